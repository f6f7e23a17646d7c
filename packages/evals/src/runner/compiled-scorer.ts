import { canonicalJson, type EvalCase, type EvalScorer, type JudgeSpecification } from "@sluice/contracts";
import { schemaCheck } from "@sluice/judge/json-schema-check";
import { linearPattern } from "@sluice/judge/linear-pattern";
import { looksLikeRefusal } from "@sluice/judge/refusal";
import * as Result from "effect/Result";

/** A score in [0, 1] and whether that passes. */
export interface Score {
  readonly score: number;
  readonly passed: boolean;
}

/** A scorer made ready for one case: nothing that can be wrong with it is left for after the request is paid. */
export type CompiledScorer =
  | { readonly _tag: "Rule"; readonly passes: (output: string) => boolean }
  | { readonly _tag: "Judge"; readonly specification: ModelJudge; readonly passAt: number };

type ModelJudge = Extract<JudgeSpecification, { readonly kind: "model" }>;
type Named<Kind extends EvalScorer["kind"]> = Extract<EvalScorer, { readonly kind: Kind }>;

const PASS_AT = 0.5;
const JUDGE_TIMEOUT_MS = 60_000;

/** Pure. Fails with what is wrong and what to do, without the place. */
export const compileScorer = (
  scorer: EvalScorer,
  { expected }: Pick<EvalCase, "expected">,
  policyJudge: JudgeSpecification | null,
): Result.Result<CompiledScorer, string> => {
  switch (scorer.kind) {
    case "exact":
      return Result.map(exact(scorer, expected), rule);
    case "contains":
      return Result.map(contains(scorer, expected), rule);
    case "regex":
      return Result.map(linearPattern(scorer.pattern), rule);
    case "json-schema":
      return Result.mapBoth(schemaCheck(scorer.schema), { onFailure: (fault) => `scorer ${fault}`, onSuccess: rule });
    case "numeric":
      return Result.map(numeric(scorer, expected), rule);
    case "refusal":
      return Result.succeed(rule((output) => looksLikeRefusal(output) === (scorer.refused ?? true)));
    case "judge":
      return judge(scorer, policyJudge);
  }
};

const rule = (passes: (output: string) => boolean): CompiledScorer => ({ _tag: "Rule", passes });

const folded = (text: string, ignoreCase: boolean | undefined) => (ignoreCase ? text.toLowerCase() : text);

const parsedJson = (output: string): Result.Result<unknown, unknown> => Result.try(() => JSON.parse(output) as unknown);

const exact = (scorer: Named<"exact">, expected: unknown): Result.Result<(output: string) => boolean, string> => {
  const value = scorer.value ?? expected;
  if (value === undefined) return Result.fail("scorer exact has no value; give it one, or the case an expected");
  if (typeof value === "string") {
    const wanted = folded(value.trim(), scorer.ignore_case);
    return Result.succeed((output) => folded(output.trim(), scorer.ignore_case) === wanted);
  }
  const wanted = canonicalJson(value);
  return Result.succeed((output) =>
    Result.getOrElse(
      // Text that JSON can carry and its canonical form cannot (half an emoji) is equal to nothing.
      Result.try(() => canonicalJson(JSON.parse(output)) === wanted),
      () => false,
    ),
  );
};

const contains = (scorer: Named<"contains">, expected: unknown): Result.Result<(output: string) => boolean, string> => {
  const value = scorer.value ?? expected;
  if (typeof value !== "string" || value === "")
    return Result.fail("scorer contains has no text; give it a value, or the case an expected that is a string");
  const wanted = folded(value, scorer.ignore_case);
  return Result.succeed((output) => folded(output, scorer.ignore_case).includes(wanted));
};

const numeric = (scorer: Named<"numeric">, expected: unknown): Result.Result<(output: string) => boolean, string> => {
  const value = scorer.value ?? expected;
  if (typeof value !== "number")
    return Result.fail("scorer numeric has no number; give it a value, or the case an expected that is a number");
  const tolerance = Math.max(scorer.absolute ?? 0, (scorer.relative ?? 0) * Math.abs(value));
  const numberIn = scorer.field === undefined ? lastNumber : numberAt(scorer.field.split("."));
  return Result.succeed((output) => {
    const found = numberIn(output);
    return found !== undefined && Math.abs(found - value) <= tolerance;
  });
};

/** Bounds the work on a long output, whose last words hold its result. */
const LAST_CHARACTERS = 10_000;

/** `1,234.5` is one number; a comma elsewhere ends it. */
const lastNumber = (output: string): number | undefined => {
  const numbers = output.slice(-LAST_CHARACTERS).match(/[-−]?\d+(?:,\d{3})*(?:\.\d+)?(?:[eE][-+]?\d+)?/gu);
  const last = numbers?.at(-1);
  return last === undefined ? undefined : Number(last.replaceAll(",", "").replace("−", "-"));
};

const numberAt = (keys: ReadonlyArray<string>) => (output: string) => {
  const parsed = parsedJson(output);
  if (Result.isFailure(parsed)) return undefined;
  const found = keys.reduce<unknown>(
    (inner, key) =>
      typeof inner === "object" && inner !== null && Object.hasOwn(inner, key) ? Reflect.get(inner, key) : undefined,
    parsed.success,
  );
  return typeof found === "number" ? found : undefined;
};

const judge = (
  scorer: Named<"judge">,
  policyJudge: JudgeSpecification | null,
): Result.Result<CompiledScorer, string> => {
  const fallback = policyJudge?.kind === "model" ? policyJudge : undefined;
  const provider = scorer.provider ?? fallback?.provider;
  const model = scorer.model ?? fallback?.model;
  if (provider === undefined || model === undefined)
    return Result.fail("scorer judge names no provider and model; name both, or a model judge in the policy");
  const timeoutMs = scorer.timeout_ms ?? fallback?.timeoutMs ?? JUDGE_TIMEOUT_MS;
  const specification: ModelJudge = { kind: "model", provider, model, rubric: scorer.rubric, timeoutMs };
  return Result.succeed({ _tag: "Judge", specification, passAt: scorer.pass_at ?? PASS_AT });
};

/** A case's own score: the mean over its scorers; it passes when all of them do. */
export const combinedScore = (scores: ReadonlyArray<Score>): Score => ({
  score: scores.reduce((sum, { score }) => sum + score, 0) / scores.length,
  passed: scores.every(({ passed }) => passed),
});
