import { assert, it } from "@effect/vitest";
import { redactedText } from "./redacted-text.ts";
import { safetyBy, sliceBy } from "./result-rules.ts";

const rules = {
  sliceKeys: ["area", "owner.team"],
  safety: [{ key: "risk", values: ["high", 3, true] }],
  redact: [{ pattern: "ticket \\d+", replacement: "$& [ticket]" }],
};

it("takes the first key that is there, as it stands or along its dots", () => {
  assert.strictEqual(sliceBy(rules, { owner: { team: "law" } }), "law");
  assert.strictEqual(sliceBy(rules, { "owner.team": "tax", owner: { team: "law" } }), "tax");
  assert.strictEqual(sliceBy(rules, { area: 7, owner: { team: "law" } }), "7");
  assert.strictEqual(sliceBy(rules, { area: "", owner: null }), undefined);
  assert.strictEqual(sliceBy(rules, null), undefined);
});

it("finds nothing on the prototype", () => {
  const inherited = { ...rules, sliceKeys: ["constructor.name", "__proto__"] };
  assert.strictEqual(sliceBy(inherited, {}), undefined);
});

it("is a safety case, is none, or does not say", () => {
  assert.strictEqual(safetyBy(rules, { risk: "high" }), true);
  assert.strictEqual(safetyBy(rules, { risk: 3 }), true);
  assert.strictEqual(safetyBy(rules, { risk: "low" }), false);
  assert.strictEqual(safetyBy(rules, { other: "high" }), undefined);
});

it("redacts keys, addresses and numbers in any repository, and what the rules add, before it cuts", () => {
  const shown = (text: string, length = 200) => redactedText(text, rules, length);
  assert.strictEqual(shown("Bearer abcdefghijklmnop and sk-abcdefghijklmnop"), "[key] and [key]");
  assert.strictEqual(shown("card 4111 1111 1111 1111, ada@example.com"), "card [number], [email]");
  // The replacement is text, not a pattern of its own.
  assert.strictEqual(shown("ticket 12"), "$& [ticket]");
  assert.strictEqual(shown("call ada@example.com now", 10), "call [ema…");
  assert.strictEqual(shown("😀😀😀", 4).isWellFormed(), true);
});
