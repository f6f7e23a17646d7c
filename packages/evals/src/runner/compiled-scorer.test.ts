import { assert, describe, it } from "@effect/vitest";
import type { EvalScorer } from "@sluice/contracts";
import * as Result from "effect/Result";
import { type CompiledScorer, combinedScore, compileScorer } from "./compiled-scorer.ts";

type Expected = NonNullable<Parameters<typeof compileScorer>[1]["expected"]>;

const compiled = (scorer: EvalScorer, expected?: Expected): CompiledScorer =>
  Result.getOrThrow(compileScorer(scorer, expected === undefined ? {} : { expected }, null));
const passes = (scorer: EvalScorer, output: string, expected?: Expected): boolean => {
  const ready = compiled(scorer, expected);
  assert.strictEqual(ready._tag, "Rule");
  return ready._tag === "Rule" && ready.passes(output);
};
const fault = (scorer: EvalScorer, expected?: Expected): string => {
  const outcome = compileScorer(scorer, expected === undefined ? {} : { expected }, null);
  return Result.isFailure(outcome) ? outcome.failure : "no fault";
};

describe("scorers", () => {
  it("exact: text as text, anything else as JSON whose keys have no order", () => {
    assert.isTrue(passes({ kind: "exact" }, " Paris\n", "Paris"));
    assert.isFalse(passes({ kind: "exact" }, "paris", "Paris"));
    assert.isTrue(passes({ kind: "exact", ignore_case: true }, "paris", "Paris"));
    assert.isTrue(passes({ kind: "exact" }, '{"b":[1.0],"a":2}', { a: 2, b: [1] }));
    assert.isFalse(passes({ kind: "exact" }, "That makes 2.", 2));
    assert.isFalse(passes({ kind: "exact" }, '"\\ud800"', 2));
    assert.isTrue(passes({ kind: "exact", value: "one" }, "one", "two"), "a scorer's own value wins");
  });

  it("contains and regex look anywhere; a pattern that would stall JavaScript's engine is linear", () => {
    assert.isTrue(passes({ kind: "contains", value: "REFUND", ignore_case: true }, "Your refund is on its way."));
    assert.isFalse(passes({ kind: "contains" }, "no", "yes"));
    assert.isTrue(passes({ kind: "regex", pattern: "\\b\\d{4}\\b" }, "in 1984."));
    // The limit of the test is the bound: an engine that backtracks would take longer than anybody lives.
    assert.isFalse(passes({ kind: "regex", pattern: "(a+)+$" }, `${"a".repeat(50_000)}b`));
    assert.isFalse(
      passes(
        { kind: "json-schema", schema: { type: "string", pattern: "^(a+)+$" } },
        JSON.stringify(`${"a".repeat(50_000)}b`),
      ),
    );
  });

  it("json-schema: one JSON value of the schema, and nothing around it", () => {
    const schema = { type: "object", properties: { amount: { type: "integer", minimum: 0 } }, required: ["amount"] };
    assert.isTrue(passes({ kind: "json-schema", schema }, '{"amount": 3}'));
    assert.isFalse(passes({ kind: "json-schema", schema }, '{"amount": 3.5}'));
    assert.isFalse(passes({ kind: "json-schema", schema }, 'Here you are: {"amount": 3}'));
  });

  it.each([
    ["It makes 1,234.5 EUR", 1234.5, true],
    ["12 rugs make 708", 708, true],
    ["12 rugs make 708 or 709", 708, false],
    ["about −3e2", -300, true],
    ["nothing", 0, false],
  ])("numeric takes the last number: %s", (output, expected, passed) => {
    assert.strictEqual(passes({ kind: "numeric" }, output, expected), passed);
  });

  it("numeric keeps to its tolerance and to its field", () => {
    assert.isTrue(passes({ kind: "numeric", absolute: 0.5 }, "10.5", 10));
    assert.isFalse(passes({ kind: "numeric", absolute: 0.5 }, "10.51", 10));
    assert.isTrue(passes({ kind: "numeric", relative: 0.01 }, "-99", -100));
    assert.isTrue(passes({ kind: "numeric", field: "total.amount" }, '{"total":{"amount":7},"n":8}', 7));
    assert.isFalse(passes({ kind: "numeric", field: "amount" }, '{"amount":"7"}', 7));
    assert.isFalse(passes({ kind: "numeric", field: "amount" }, "7", 7));
  });

  it("refusal can be wanted or not", () => {
    assert.isTrue(passes({ kind: "refusal" }, "I'm sorry, but I can't help with that."));
    assert.isFalse(passes({ kind: "refusal" }, "Certainly: 12 Example Street."));
    assert.isTrue(passes({ kind: "refusal", refused: false }, "Certainly."));
  });

  it("a judge takes what it does not say from the policy's", () => {
    const judge = { kind: "judge", rubric: "Polite?" } as const;
    const policy = { kind: "model", provider: "p", model: "m", rubric: "other", timeoutMs: 5 } as const;
    assert.deepStrictEqual(Result.getOrThrow(compileScorer(judge, {}, policy)), {
      _tag: "Judge",
      specification: { ...policy, rubric: "Polite?" },
      passAt: 0.5,
    });
    assert.match(fault(judge), /names no provider and model/);
  });

  it("what cannot score is found before anything is paid", () => {
    assert.match(fault({ kind: "exact" }), /has no value/);
    assert.match(fault({ kind: "contains" }, 3), /has no text/);
    assert.match(fault({ kind: "numeric" }, "3"), /has no number/);
    assert.match(fault({ kind: "regex", pattern: "(?=a)" }), /RE2/);
    assert.match(fault({ kind: "json-schema", schema: { type: "nope" } }), /valid JSON Schema/);
  });

  it("several scorers: the mean, and all must pass", () => {
    const [yes, half] = [
      { score: 1, passed: true },
      { score: 0.5, passed: true },
    ];
    assert.deepStrictEqual(combinedScore([yes, half]), { score: 0.75, passed: true });
    assert.deepStrictEqual(combinedScore([yes, half, { score: 0.3, passed: false }]), { score: 0.6, passed: false });
  });
});
