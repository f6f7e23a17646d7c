import { assert, describe, it } from "@effect/vitest";
import * as Schema from "effect/Schema";
import { Author } from "./primitives.ts";

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
