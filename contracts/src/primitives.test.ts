import { assert, describe, it } from "@effect/vitest";
import * as Schema from "effect/Schema";
import { Author, timestampOf } from "./primitives.ts";

describe("an author's id", () => {
  const isAuthor = Schema.is(Author);
  it("is a name in any script", () => {
    for (const id of ["ada", "the ci", "Zoë@example.com", "阿達", "🧪"])
      assert.isTrue(isAuthor({ id, role: "ci" }), id);
  });
  it("moves no cursor, ends no line, and can be stored as text", () => {
    for (const id of ["", "a\u0000", "a\nb", "\u001b[31mred", "a\u007f", "a\u0085b"])
      assert.isFalse(isAuthor({ id, role: "ci" }), JSON.stringify(id));
  });
});

describe("timestampOf", () => {
  it("is what a date says, in whatever order instants come", () => {
    for (const epochMs of [
      0, 1, 999, 1_000, -1, -1_000.5, 1.9, 1_767_225_599_999, 1_767_225_600_000, 7, -62_198_755_200_000,
    ])
      assert.strictEqual(timestampOf(epochMs), new Date(epochMs).toISOString());
    assert.throws(() => timestampOf(Number.NaN), RangeError);
  });
});
