import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { assert, describe, it } from "@effect/vitest";
import type { JudgeSpecification } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import { Judge } from "./judge.ts";

type Respond = (request: { body: string; headers: IncomingMessage["headers"] }, response: ServerResponse) => void;

/** A real server that answers the n-th call with the n-th responder (the last one repeats). */
const server = (...responders: ReadonlyArray<Respond>) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const calls: Array<{ url: string; body: string; headers: IncomingMessage["headers"] }> = [];
      let closed = 0;
      const http = createServer(async (request, response) => {
        response.on("close", () => {
          closed += 1;
        });
        const chunks: Array<Buffer> = [];
        for await (const chunk of request) chunks.push(chunk);
        const call = { url: request.url ?? "", body: Buffer.concat(chunks).toString(), headers: request.headers };
        calls.push(call);
        responders[Math.min(calls.length, responders.length) - 1]?.(call, response);
      });
      await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
      const baseUrl = `http://127.0.0.1:${(http.address() as AddressInfo).port}/v1/`;
      return { baseUrl, calls, http, closed: () => closed };
    }),
    ({ http }) =>
      Effect.promise(async () => {
        http.closeAllConnections();
        await new Promise((resolve) => http.close(resolve));
      }),
  );

const content =
  (text: string): Respond =>
  (_, response) => {
    response.end(JSON.stringify({ choices: [{ message: { role: "assistant", content: text } }] }));
  };
const scored = (score: unknown) => content(JSON.stringify({ reason: "fits", score }));
const status =
  (code: number, headers: Record<string, string> = {}): Respond =>
  (_, response) => {
    response.writeHead(code, headers).end("{}");
  };
const hang: Respond = () => {};

const specification: JudgeSpecification = {
  kind: "model",
  provider: "judges",
  model: "judge-1",
  rubric: "The answer must be polite.",
  timeoutMs: 5_000,
};
const judged = { input: 'Say "hi"', output: "hi" };

const score = (baseUrl: string, spec: JudgeSpecification = specification) =>
  Judge.use((judge) => judge.score(spec, judged)).pipe(
    Effect.provide(
      Judge.layer({
        providers: { judges: { baseUrl, apiKeyEnv: "JUDGE_KEY" } },
        environment: { JUDGE_KEY: "secret" },
      }),
    ),
  );

const failure = (baseUrl: string, spec = specification) => Effect.map(Effect.flip(score(baseUrl, spec)), String);

describe("a model judge", () => {
  it.live("asks over the provider's chat completions, with rubric, schema and key, and reads the score", () =>
    Effect.gen(function* () {
      const { baseUrl, calls } = yield* server(scored(0.75));
      assert.strictEqual(yield* score(baseUrl), 0.75);
      const call = calls[0];
      assert.strictEqual(call?.url, "/v1/chat/completions");
      assert.strictEqual(call?.headers.authorization, "Bearer secret");
      const body = JSON.parse(call?.body ?? "");
      assert.strictEqual(body.model, "judge-1");
      assert.strictEqual(body.temperature, 0);
      assert.strictEqual(body.response_format.json_schema.strict, true);
      assert.include(body.messages[0].content, "The answer must be polite.");
      assert.deepStrictEqual(JSON.parse(body.messages[1].content), { input: 'Say "hi"', response: "hi" });
    }),
  );

  it.live.each([
    ["a 500 that passes", status(500)],
    ["a 429 that says when to come back", status(429, { "retry-after": "0.1" })],
    ["a message that is not JSON", content("I would say 0.8")],
    ["a score above 1", scored(1.7)],
  ] as const)("tries again after %s", ([, first]) =>
    Effect.gen(function* () {
      const { baseUrl, calls } = yield* server(first, scored(1));
      assert.strictEqual(yield* score(baseUrl), 1);
      assert.strictEqual(calls.length, 2);
    }),
  );

  it.live.each([
    ["a score above 1", scored(1.7), 3, "1.7"],
    ["a missing score", content("{}"), 3, "missing"],
    ["an answer without content", (_: unknown, response: ServerResponse) => response.end("{}"), 3, "no choices"],
    ["HTTP 503", status(503), 3, "HTTP 503"],
    ["HTTP 401, at once", status(401), 1, "HTTP 401"],
    ["a wait that is too long, at once", status(429, { "retry-after": "3600" }), 1, "HTTP 429"],
  ] as const)("has no score for %s", ([, respond, tries, word]) =>
    Effect.gen(function* () {
      const { baseUrl, calls } = yield* server(respond);
      const message = yield* failure(baseUrl);
      assert.include(message, word);
      assert.strictEqual(calls.length, tries);
    }),
  );

  it.live("has no score when no answer comes in time, or nobody listens, or the provider is unknown", () =>
    Effect.gen(function* () {
      const { baseUrl, http } = yield* server(hang);
      assert.include(yield* failure(baseUrl, { ...specification, timeoutMs: 50 }), "within 50 ms");
      http.closeAllConnections();
      yield* Effect.promise(() => new Promise((resolve) => http.close(resolve)));
      assert.include(yield* failure(baseUrl), "3 tries");
      assert.include(yield* failure(baseUrl, { ...specification, provider: "nobody" }), '"nobody"');
    }),
  );

  it.live("gives the call up when it is interrupted", () =>
    Effect.gen(function* () {
      const { baseUrl, calls, closed } = yield* server(hang);
      const fiber = yield* Effect.forkChild(score(baseUrl));
      yield* Effect.whileLoop({ while: () => calls.length === 0, body: () => Effect.sleep(5), step: () => {} });
      yield* Fiber.interrupt(fiber);
      yield* Effect.whileLoop({ while: () => closed() === 0, body: () => Effect.sleep(5), step: () => {} });
    }),
  );
});
