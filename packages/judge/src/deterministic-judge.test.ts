import { assert, describe, it } from "@effect/vitest";
import * as Result from "effect/Result";
import { deterministicScore, type JudgeRule } from "./deterministic-judge.ts";

const score = (rules: ReadonlyArray<JudgeRule>, output: string) =>
  deterministicScore({ kind: "deterministic", rules }, output);

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

  it("takes linear time with a pattern that stalls backtracking engines", () => {
    const startedAt = performance.now();
    assert.deepStrictEqual(
      score([{ rule: "matches", pattern: "^(a+)+$" }], `${"a".repeat(60_000)}b`),
      Result.succeed(0),
    );
    assert.isBelow(performance.now() - startedAt, 2_000);
  });
});
