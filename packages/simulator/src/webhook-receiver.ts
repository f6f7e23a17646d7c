import Fastify from "fastify";

export interface WebhookReceiver {
  readonly url: string;
  readonly received: ReadonlyArray<unknown>;
  readonly close: () => Promise<void>;
}

/** A local end for pages: keeps what was posted to it. */
export const startWebhookReceiver = async (onPage: (page: unknown) => void = () => {}): Promise<WebhookReceiver> => {
  const received: Array<unknown> = [];
  const app = Fastify({ forceCloseConnections: true });
  app.post("/page", async (request, reply) => {
    received.push(request.body);
    onPage(request.body);
    return reply.code(202).send();
  });
  const address = await app.listen({ host: "127.0.0.1", port: 0 });
  return { url: `${address}/page`, received, close: () => app.close() };
};
