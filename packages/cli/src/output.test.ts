import { afterEach, assert, beforeEach, it, vi } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { print, printJson, printJsonLine, remark, say } from "./output.ts";

const hostile = "a\u001b[2J\u009b2Jb\u202ec\u{e0001}\r";
let written = "";
beforeEach(() => {
  written = "";
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, "write").mockImplementation((text) => {
      written += String(text);
      return true;
    });
});
afterEach(() => vi.restoreAllMocks());

it.effect("nothing that is written for people moves the cursor, whatever it quotes", () =>
  Effect.gen(function* () {
    yield* print(`${hostile}\nnext`);
    yield* remark(hostile);
    say(hostile);
    assert.lengthOf(written.split("\n"), 5);
    assert.notMatch(written.replaceAll("\n", ""), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  }),
);

it.effect("JSON is the same value, and moves no cursor either", () =>
  Effect.gen(function* () {
    const value = { [hostile]: [hostile] };
    yield* printJson(value);
    assert.deepStrictEqual(JSON.parse(written), value);
    yield* Effect.sync(() => {
      written = "";
    });
    yield* printJsonLine(value);
    assert.deepStrictEqual(JSON.parse(written), value);
    assert.notMatch(written.trimEnd(), /[\p{Cc}\p{Cf}]/u);
  }),
);
