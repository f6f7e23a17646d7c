import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { assert, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Redacted from "effect/Redacted";
import { type PageMessage, Pager } from "./pager.ts";
import { layerWebhook, type WebhookSettings } from "./webhook-pager.ts";

const page: PageMessage = {
  dedupKey: "sluice/support-bot/rel-1/breach",
  action: "trigger",
  severity: "critical",
  summary: "errors 5.1 % against 1.0 %",
  application: "support-bot",
  releaseId: "rel-1",
  at: "2026-01-01T09:00:00.000Z",
};

interface Taken {
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** A receiver that answers with the given statuses in turn, the last one for ever; 0 never answers. */
const receiver = (statuses: ReadonlyArray<number>) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const taken: Array<Taken> = [];
      const server = createServer(async (incoming, outgoing) => {
        let body = "";
        for await (const chunk of incoming) body += chunk;
        taken.push({ headers: incoming.headers, body });
        const status = statuses[Math.min(taken.length, statuses.length) - 1] ?? 200;
        if (status > 0) outgoing.writeHead(status).end();
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return { server, taken, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/pages` };
    }),
    ({ server }) =>
      Effect.sync(() => {
        server.closeAllConnections();
        server.close();
      }),
  );

const send = (settings: WebhookSettings) =>
  Effect.flatMap(Pager, (pager) => pager.send(page)).pipe(Effect.provide(layerWebhook(settings)));

it.live("a page arrives as JSON, signed, with its dedup key", () =>
  Effect.gen(function* () {
    const { taken, url } = yield* receiver([202]);
    assert.strictEqual(yield* send({ url, secret: Redacted.make("s3cret") }), "webhook");
    const [first] = taken;
    assert.deepStrictEqual(JSON.parse(first?.body ?? ""), page);
    assert.strictEqual(first?.headers["idempotency-key"], "sluice/support-bot/rel-1/breach/trigger");
    const [, seconds, signature] =
      /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(first?.headers["x-sluice-signature"])) ?? [];
    assert.strictEqual(signature, createHmac("sha256", "s3cret").update(`${seconds}.${first?.body}`).digest("hex"));
  }).pipe(Effect.scoped),
);

it.live("a receiver in trouble is asked again, up to three times", () =>
  Effect.gen(function* () {
    const recovering = yield* receiver([503, 429, 200]);
    yield* send({ url: recovering.url });
    assert.strictEqual(recovering.taken.length, 3);
    const broken = yield* receiver([500]);
    const failure = yield* Effect.flip(send({ url: broken.url }));
    assert.deepStrictEqual([failure.message, broken.taken.length], ["the webhook answered 500", 4]);
  }).pipe(Effect.scoped),
);

it.live("what is refused is not sent again", () =>
  Effect.gen(function* () {
    const { taken, url } = yield* receiver([401]);
    const failure = yield* Effect.flip(send({ url }));
    assert.deepStrictEqual([failure.message, taken.length], ["the webhook answered 401", 1]);
  }).pipe(Effect.scoped),
);

it.live("a receiver that never answers, or is not there, is a failure in bounded time", () =>
  Effect.gen(function* () {
    const { url } = yield* receiver([0]);
    const silent = yield* Effect.flip(send({ url, timeoutMs: 50 }));
    assert.match(silent.message, /no answer within 50 ms|cannot be reached/);
    const absent = yield* Effect.flip(send({ url: "http://127.0.0.1:9/?token=hidden" }));
    assert.match(absent.message, /cannot be reached/);
    assert.notInclude(absent.message, "hidden");
  }).pipe(Effect.scoped),
);
