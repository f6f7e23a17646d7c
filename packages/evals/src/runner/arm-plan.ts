import { type Digest, digestOf } from "@sluice/contracts";
import type { Journal } from "./journal.ts";
import type { PlannedCase } from "./planned-case.ts";
import type { CostOf } from "./prices.ts";
import { estimatedTokens, type Usage } from "./prices.ts";
import type { Target } from "./target.ts";

/** One bundle with its cases, where they are asked, and what is already known of the answers. */
export interface ArmPlan {
  readonly arm: "baseline" | "candidate";
  readonly bundle: Digest;
  readonly cases: ReadonlyArray<PlannedCase>;
  readonly target: Target;
  readonly journal: Journal;
  readonly costOf: CostOf;
  /** The most that one answer may have, where the bundle says so. */
  readonly maxOutputTokens: number | null;
}

/** One request: a case and which repeat of it. */
export interface Ask {
  readonly planned: PlannedCase;
  readonly repeat: number;
}

export const asksOf = (cases: ReadonlyArray<PlannedCase>, repeats: ReadonlyArray<number>): ReadonlyArray<Ask> =>
  cases.flatMap((planned) => repeats.map((repeat) => ({ planned, repeat })));

/** Two requests of one key are one and the same: everything that the answer may depend on. */
export const keyOf = ({ bundle, target }: Pick<ArmPlan, "bundle" | "target">, { planned, repeat }: Ask): string =>
  digestOf({ bundle, target: target.identity, case: planned.caseId, body: planned.body, input: planned.input, repeat });

/** Nobody has said how long answers are, and none has come yet. */
const USUAL_OUTPUT_TOKENS = 256;

/** Pure. What one request will use: the text's length, and as many tokens as answers had so far, or may have. */
export const expectedUsage = (
  plan: Pick<ArmPlan, "maxOutputTokens">,
  ask: Ask,
  meanOutputTokens: number | null,
): Usage => ({
  inputTokens: estimatedTokens(ask.planned.body),
  outputTokens: meanOutputTokens ?? plan.maxOutputTokens ?? USUAL_OUTPUT_TOKENS,
});

export interface Estimate {
  readonly requests: number;
  /** Answered in earlier runs. */
  readonly reused: number;
  /** Sent by a run that ended before the answer was written: they are asked again, and may be paid again. */
  readonly lost: number;
  readonly judgements: number;
  readonly tokens: number;
  readonly cost: number | null;
}

/** Pure. What asking these will take, before anything is sent. Judgements count as requests of their own, unpriced. */
export const estimateOf = (plan: ArmPlan, asks: ReadonlyArray<Ask>): Estimate => {
  const known = [...plan.journal.answers.values()];
  const mean = known.length > 0 ? known.reduce((sum, { outputTokens }) => sum + outputTokens, 0) / known.length : null;
  let [reused, lost, tokens, cost, judgements]: [number, number, number, number | null, number] = [0, 0, 0, 0, 0];
  for (const ask of asks) {
    const key = keyOf(plan, ask);
    if (plan.journal.answers.has(key)) {
      reused++;
      continue;
    }
    if (plan.journal.lost.has(key)) lost++;
    judgements += ask.planned.scorers.filter(({ _tag }) => _tag === "Judge").length;
    const usage = expectedUsage(plan, ask, mean);
    const price = plan.costOf(usage);
    tokens += usage.inputTokens + usage.outputTokens;
    cost = cost === null || price === null ? null : cost + price;
  }
  return { requests: asks.length - reused, reused, lost, judgements, tokens: Math.round(tokens), cost };
};
