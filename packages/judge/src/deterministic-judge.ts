import type { JudgeSpecification } from "@sluice/contracts";
import * as Result from "effect/Result";
import { schemaCheck } from "./json-schema-check.ts";
import type { Judged } from "./judge.ts";
import { mayBeIn } from "./language.ts";
import { linearPattern } from "./linear-pattern.ts";
import { looksLikeRefusal } from "./refusal.ts";
import { similarity } from "./similarity.ts";

export type DeterministicSpecification = Extract<JudgeSpecification, { readonly kind: "deterministic" }>;
export type JudgeRule = DeterministicSpecification["rules"][number];

/**
 * The mean of the rules' scores, each in [0, 1], for one response. Pure. Fails with one sentence when a rule itself is
 * unusable (a pattern that is no RE2 expression, no reference to compare with): then there is no score.
 */
export const deterministicScore = (
  { rules }: DeterministicSpecification,
  judged: Pick<Judged, "output" | "reference">,
): Result.Result<number, string> => {
  let sum = 0;
  for (const rule of rules) {
    const score = ruleScore(rule, judged);
    if (Result.isFailure(score)) return Result.fail(score.failure);
    sum += Number(score.success);
  }
  return Result.succeed(sum / rules.length);
};

const ruleScore = (
  rule: JudgeRule,
  { output, reference }: Pick<Judged, "output" | "reference">,
): Result.Result<number | boolean, string> => {
  switch (rule.rule) {
    case "not-empty":
      return Result.succeed(output.trim() !== "");
    case "not-refused":
      return Result.succeed(output.trim() !== "" && !looksLikeRefusal(output));
    case "json":
      return Result.succeed(isJson(output));
    case "json-schema":
      return Result.map(compiledSchema(rule.schema), (holds) => holds(output));
    case "contains":
      return Result.succeed(output.includes(rule.text));
    case "matches":
      return Result.map(linearPattern(rule.pattern), (matches) => matches(output));
    case "length": {
      const characters = characterCount(output);
      return Result.succeed(characters >= rule.minCharacters && characters <= rule.maxCharacters);
    }
    case "language":
      return Result.succeed(mayBeIn(output, rule.languages));
    case "similarity": {
      const text = rule.reference ?? reference;
      if (text === undefined)
        return Result.fail("the rule similarity has no reference to compare with; give the rule a reference");
      const score = similarity(output, text, rule.measure);
      return Result.succeed(rule.atLeast === undefined ? score : score >= rule.atLeast);
    }
  }
};

type Check = ReturnType<typeof schemaCheck>;

/** By the schema's own object, which lives as long as its policy. */
const schemas = new WeakMap<object, Check>();

const compiledSchema = (schema: object): Check => {
  const known = schemas.get(schema);
  if (known) return known;
  const compiled = schemaCheck(schema);
  schemas.set(schema, compiled);
  return compiled;
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
