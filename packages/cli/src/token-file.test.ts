import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, assert, it } from "@effect/vitest";
import { digestOfBytes } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import { readTokens } from "./token-file.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-tokens-"));
afterAll(() => rmSync(folder, { recursive: true }));

const grant = { tokenDigest: digestOfBytes("a token"), id: "ada", role: "admin" } as const;

it.effect(
  "a token of the data directory keeps its end and its team: without them it would let in for ever, to all",
  () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* readTokens(folder), []);
      const limited = { ...grant, team: "support", expiresAt: "2026-01-31T00:00:00.000Z" };
      writeFileSync(join(folder, "tokens.json"), JSON.stringify([limited, grant]));
      assert.deepStrictEqual(yield* readTokens(folder), [limited, { ...grant, team: null, expiresAt: null }]);
    }),
);

it.effect("a misspelt limit is refused, and nothing of a broken file is shown", () =>
  Effect.gen(function* () {
    for (const [content, sentence] of [
      [JSON.stringify([{ ...grant, expires: "2026-01-31T00:00:00.000Z" }]), /expires/],
      ['[{"tokenDigest": sha256:secret', /tokens\.json: is not JSON; look for a missing comma, quote or bracket$/],
    ] as const) {
      writeFileSync(join(folder, "tokens.json"), content);
      const exit = yield* Effect.flip(readTokens(folder));
      assert.strictEqual(exit.code, 2);
      assert.match(exit.sentence ?? "", sentence);
      assert.notInclude(exit.sentence, "secret");
    }
  }),
);
