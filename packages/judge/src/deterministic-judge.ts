import type { JudgeSpecification } from "@sluice/contracts";
import * as Result from "effect/Result";
import { linearPattern } from "./linear-pattern.ts";
import { looksLikeRefusal } from "./refusal.ts";

export type DeterministicSpecification = Extract<JudgeSpecification, { readonly kind: "deterministic" }>;
export type JudgeRule = DeterministicSpecification["rules"][number];

/**
 * The mean of the rules' scores, each 0 or 1, for one response. Pure. Fails with one sentence when a rule itself is
 * unusable (a pattern that is no RE2 expression): then there is no score.
 */
export const deterministicScore = (
  { rules }: DeterministicSpecification,
  output: string,
): Result.Result<number, string> => {
  let sum = 0;
  for (const rule of rules) {
    const holds = ruleHolds(rule, output);
    if (Result.isFailure(holds)) return Result.fail(holds.failure);
    sum += holds.success ? 1 : 0;
  }
  return Result.succeed(sum / rules.length);
};

const ruleHolds = (rule: JudgeRule, output: string): Result.Result<boolean, string> => {
  switch (rule.rule) {
    case "not-empty":
      return Result.succeed(output.trim() !== "");
    case "not-refused":
      return Result.succeed(output.trim() !== "" && !looksLikeRefusal(output));
    case "json":
      return Result.succeed(isJson(output));
    case "contains":
      return Result.succeed(output.includes(rule.text));
    case "matches":
      return Result.map(linearPattern(rule.pattern), (matches) => matches(output));
    case "length": {
      const characters = characterCount(output);
      return Result.succeed(characters >= rule.minCharacters && characters <= rule.maxCharacters);
    }
  }
};

/** The whole response is one JSON value; a code fence or a friendly sentence around it would break the caller's parser. */
const isJson = (output: string): boolean => {
  try {
    JSON.parse(output);
    return true;
  } catch {
    return false;
  }
};

/** Code points, so that an emoji counts once. */
const characterCount = (output: string): number => {
  let count = 0;
  for (const _ of output) count += 1;
  return count;
};
