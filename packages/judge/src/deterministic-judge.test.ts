import { assert, describe, it } from "@effect/vitest";
import * as Result from "effect/Result";
import { deterministicScore, type JudgeRule } from "./deterministic-judge.ts";

const score = (rules: ReadonlyArray<JudgeRule>, output: string, reference?: string) =>
  deterministicScore({ kind: "deterministic", rules }, { output, ...(reference !== undefined && { reference }) });

const order = { type: "object", properties: { id: { type: "string", pattern: "^o-\\d+$" } }, required: ["id"] };

const similar = { rule: "similarity", measure: "rouge-l" } as const;

const cases: ReadonlyArray<readonly [JudgeRule, string, number]> = [
  [{ rule: "not-empty" }, " \n", 0],
  [{ rule: "not-empty" }, "a", 1],
  [{ rule: "not-refused" }, "I'm sorry, but I can't help with that.", 0],
  [{ rule: "not-refused" }, "", 0],
  [{ rule: "not-refused" }, "Paris.", 1],
  [{ rule: "json" }, ' {"a": [1]}\n', 1],
  [{ rule: "json" }, '```json\n{"a": 1}\n```', 0],
  [{ rule: "json" }, "", 0],
  [{ rule: "contains", text: "Paris" }, "It is Paris.", 1],
  [{ rule: "contains", text: "Paris" }, "It is paris.", 0],
  [{ rule: "matches", pattern: "^\\d{4}-\\d{2}$" }, "2026-01", 1],
  [{ rule: "matches", pattern: "^\\d{4}-\\d{2}$" }, "on 2026-01", 0],
  [{ rule: "matches", pattern: "(?i)order" }, "Your ORDER", 1],
  [{ rule: "length", minCharacters: 2, maxCharacters: 3 }, "🙂🙂", 1],
  [{ rule: "length", minCharacters: 2, maxCharacters: 3 }, "🙂", 0],
  [{ rule: "length", minCharacters: 0, maxCharacters: 3 }, "abcd", 0],
  [{ rule: "json-schema", schema: order }, '{"id": "o-17"}', 1],
  [{ rule: "json-schema", schema: order }, '{"id": "17"}', 0],
  [{ rule: "json-schema", schema: order }, "o-17", 0],
  [
    { rule: "language", languages: ["de", "en"] },
    "Ihre Bestellung ist unterwegs und kommt morgen früh bei Ihnen an.",
    1,
  ],
  [{ rule: "language", languages: ["de", "en"] }, "Your order is on its way and will be with you tomorrow morning.", 1],
  [{ rule: "language", languages: ["de", "en"] }, "Votre commande est en route et arrivera chez vous demain matin.", 0],
  [
    { rule: "language", languages: ["de"] },
    "ご注文の商品は本日発送されました。明日の午前中にお届けする予定ですので、今しばらくお待ちください。",
    0,
  ],
  [{ rule: "language", languages: ["de"] }, "42", 1],
  [{ rule: "language", languages: ["de"] }, "Hello! How can I help?", 1],
  // Lin 2004, section 3: three words of four in order; the last shares them, in another order.
  [{ ...similar, reference: "police killed the gunman" }, "police kill the gunman", 0.75],
  [{ ...similar, reference: "police killed the gunman" }, "the gunman kill police", 0.5],
  [{ ...similar, measure: "rouge-1", reference: "police killed the gunman" }, "the gunman kill police", 0.75],
  [{ ...similar, reference: "Police killed the gunman" }, "police killed the gunman", 1],
  [{ ...similar, reference: "police killed the gunman", atLeast: 0.75 }, "police kill the gunman", 1],
  [{ ...similar, reference: "police killed the gunman", atLeast: 0.8 }, "police kill the gunman", 0],
  [{ ...similar, reference: "police killed the gunman" }, "", 0],
];

describe("deterministicScore", () => {
  it.each(cases)("%o on %j is %d", (rule, output, expected) => {
    assert.deepStrictEqual(score([rule], output), Result.succeed(expected));
  });

  it("is the mean of the rules", () => {
    const rules: ReadonlyArray<JudgeRule> = [{ rule: "not-empty" }, { rule: "json" }, { rule: "contains", text: "x" }];
    assert.deepStrictEqual(score(rules, "x"), Result.succeed(2 / 3));
  });

  it.each(["(a", "(a)\\1", "(?=a)", "a".repeat(2_001)])("has no score for the unusable pattern %s", (pattern) => {
    const scored = score([{ rule: "not-empty" }, { rule: "matches", pattern }], "abc");
    assert.isTrue(Result.isFailure(scored) && scored.failure.startsWith("the pattern"));
  });

  it("compares with the case's reference where the rule has none, and without either has no score", () => {
    assert.deepStrictEqual(score([similar], "a b c", "a b c"), Result.succeed(1));
    const scored = score([similar], "a b c");
    assert.isTrue(Result.isFailure(scored) && scored.failure.includes("no reference"));
  });

  it.each([{ type: "nonsense" }, { pattern: "(?=a)" }])("has no score for the unusable schema %j", (schema) => {
    assert.isTrue(Result.isFailure(score([{ rule: "json-schema", schema }], "{}")));
  });

  // The limit of a test is the bound: what these guard against takes hours.
  it("takes bounded time on long texts", () => {
    const long = "one two three. ".repeat(4_000);
    const rules: ReadonlyArray<JudgeRule> = [
      { ...similar, reference: long },
      { rule: "language", languages: ["en"] },
    ];
    assert.deepStrictEqual(score(rules, long), Result.succeed(1));
  });

  it("takes linear time with a pattern that stalls backtracking engines", () => {
    assert.deepStrictEqual(
      score([{ rule: "matches", pattern: "^(a+)+$" }], `${"a".repeat(60_000)}b`),
      Result.succeed(0),
    );
  });
});
