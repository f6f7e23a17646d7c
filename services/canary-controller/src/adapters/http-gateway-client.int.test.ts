import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { assert, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { GatewayClient } from "../application/gateway-client.ts";
import { layerHttpGatewayClient } from "./http-gateway-client.ts";

interface Asked {
  readonly url: string | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: unknown;
}

const gateway = (status: number, answer: unknown, headers: Record<string, string> = {}) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const asked: Array<Asked> = [];
      const server = createServer(async (incoming, outgoing) => {
        let body = "";
        for await (const chunk of incoming) body += chunk;
        asked.push({ url: incoming.url, headers: incoming.headers, body: JSON.parse(body) });
        if (status > 0) outgoing.writeHead(status, headers).end(JSON.stringify(answer));
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return { server, asked, gatewayUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
    }),
    ({ server }) =>
      Effect.sync(() => {
        server.closeAllConnections();
        server.close();
      }),
  );

const ask = (gatewayUrl: string | null, probeTimeoutMs = 1_000) =>
  Effect.flatMap(GatewayClient, (client) => client.askCandidate("support-bot", "case-ü", "How?")).pipe(
    Effect.provide(layerHttpGatewayClient({ gatewayUrl, probeKey: "k", probeTimeoutMs })),
  );
const completion = (content: string | null) => ({ choices: [{ message: { role: "assistant", content } }] });

it.live("a probe asks for the candidate by name, with the key that may", () =>
  Effect.gen(function* () {
    const { asked, gatewayUrl } = yield* gateway(200, completion("No."), { "x-sluice-bundle": "sha256:b" });
    assert.deepStrictEqual(yield* ask(gatewayUrl), { text: "No.", servedBundle: "sha256:b" });
    const [request] = asked;
    assert.strictEqual(request?.url, "/v1/chat/completions");
    assert.deepStrictEqual(request?.body, { model: "support-bot", messages: [{ role: "user", content: "How?" }] });
    const { "x-sluice-arm": arm, "x-sluice-key": key, "x-sluice-probe": probe } = request?.headers ?? {};
    assert.deepStrictEqual([arm, key, probe], ["candidate", "k", "case-_"]);
  }).pipe(Effect.scoped),
);

it.live("a refusal in OpenAI's form is an answer", () =>
  Effect.gen(function* () {
    const message = { role: "assistant", content: null, refusal: "I can't help with that." };
    const { gatewayUrl } = yield* gateway(200, { choices: [{ message }] });
    assert.strictEqual((yield* ask(gatewayUrl)).text, "I can't help with that.");
  }).pipe(Effect.scoped),
);

it.live("whatever is no answer is an error with its reason", () =>
  Effect.gen(function* () {
    const reason = (status: number, answer: unknown) =>
      Effect.flatMap(gateway(status, answer), ({ gatewayUrl }) =>
        Effect.map(Effect.flip(ask(gatewayUrl, 50)), (error) => error.message),
      );
    assert.strictEqual(yield* reason(503, {}), "the gateway answered 503");
    assert.strictEqual(yield* reason(200, { choices: [] }), "the answer is no chat completion");
    assert.strictEqual(yield* reason(200, completion(null)), "the answer has no text");
    assert.match(yield* reason(0, {}), /gave no answer \(TimeoutError\)/);
    assert.match((yield* Effect.flip(ask(null))).message, /no gatewayUrl/);
  }).pipe(Effect.scoped),
);
