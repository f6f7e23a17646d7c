import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { assert, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { askRegistry, callRegistry, inFlags } from "./registry-client.ts";

const answering = (status: number, body: string) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const server = createServer((_request, response) => response.writeHead(status).end(body));
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        return server;
      }),
      (server) =>
        Effect.promise(async () => {
          server.closeAllConnections();
          await new Promise((resolve) => server.close(resolve));
        }),
    ),
    (server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  );

it.live("who has no token is told which variable to set, and not which header", () =>
  Effect.gen(function* () {
    const body = JSON.stringify({ error: { code: "unauthorized", message: "send a token in the header" } });
    const url = yield* answering(401, body);
    const without = yield* Effect.flip(callRegistry({ url, token: undefined }, { method: "GET", path: "/" }));
    assert.strictEqual(without.code, 2);
    assert.strictEqual(without.sentence, `the registry at ${url} asks for a token; set SLUICE_TOKEN to one`);
    const wrong = yield* Effect.flip(callRegistry({ url, token: "wrong" }, { method: "GET", path: "/" }));
    assert.strictEqual(wrong.sentence, "send a token in the header (the token is that of SLUICE_TOKEN)");
  }).pipe(Effect.scoped),
);

it.live("an answer of another version is a sentence, and no throw", () =>
  Effect.gen(function* () {
    const url = yield* answering(200, "<html>");
    const asked = askRegistry(
      { url, token: undefined },
      { method: "POST", path: "/v1/x" },
      Schema.Struct({ id: Schema.String }),
    );
    const { code, sentence } = yield* Effect.flip(asked);
    assert.strictEqual(code, 1);
    assert.match(sentence ?? "", /answered POST \/v1\/x in a form that this version does not know; are both of one/);
  }).pipe(Effect.scoped),
);

const flags = { expiresAt: "--expires", to: "--to", "idempotency-key": "--idempotency-key" };

it.each([
  [
    "expiresAt is not given; by policy an override lasts 3600 s",
    "--expires is not given; by policy an override lasts 3600 s",
  ],
  ["body.to: Expected sha256: and 64 hex digits", "--to: Expected sha256: and 64 hex digits"],
  ["header idempotency-key k-1 led to release rel-1", "--idempotency-key k-1 led to release rel-1"],
  ["token tok-1 is not known", "token tok-1 is not known"],
  ["tomorrow is to come", "tomorrow is to come"],
])("what the registry says of a field is told of its flag: %s", (sentence, told) => {
  assert.strictEqual(inFlags(sentence, flags), told);
});
