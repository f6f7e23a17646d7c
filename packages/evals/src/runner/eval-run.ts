import { join } from "node:path";
import { type Bundle, digestOf, type JudgeSpecification, referenceOf } from "@sluice/contracts";
import type { Judge } from "@sluice/judge";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { type ArmPlan, asksOf } from "./arm-plan.ts";
import { flipOf, type SafetyFlip, safetyFlips, talliesOf } from "./case-outcomes.ts";
import { type EvalRunError, usageFault } from "./eval-run-error.ts";
import type { EvalSet } from "./eval-set.ts";
import { type Journal, openJournal } from "./journal.ts";
import { planCases } from "./planned-case.ts";
import type { CostOf } from "./prices.ts";
import { type AskOutcome, type RunSettings, runAsks } from "./run-asks.ts";
import type { Target } from "./target.ts";

export interface ArmInput {
  readonly arm: "baseline" | "candidate";
  readonly bundle: Bundle;
  readonly target: Target;
  readonly costOf: CostOf;
}

export interface PlanSettings {
  readonly policyJudge: JudgeSpecification | null;
  /** Holds one journal for each bundle and target. */
  readonly cacheDirectory: string;
  readonly isFresh: boolean;
  readonly patienceMs: number;
  readonly onWait: (owner: string) => Effect.Effect<void>;
}

/** Makes every case of every arm ready and opens the journals; what is wrong with the input is found here, unpaid. */
export const planRun = Effect.fn("planRun")(function* (
  evalSet: EvalSet,
  arms: ReadonlyArray<ArmInput>,
  settings: PlanSettings,
): Effect.fn.Return<ReadonlyArray<ArmPlan>, EvalRunError, Scope.Scope> {
  const journals = new Map<string, Journal>();
  const plans: Array<ArmPlan> = [];
  for (const { arm, bundle, target, costOf } of arms) {
    const cases = yield* Effect.mapError(
      Effect.fromResult(planCases(evalSet, bundle, settings.policyJudge)),
      usageFault,
    );
    const digest = referenceOf(bundle).digest;
    // Two arms may have one bundle; at an endpoint they then have the same answers too.
    const about = { bundle: digest, target: target.identity, arm: target.isReusable ? null : arm };
    const directory = join(settings.cacheDirectory, digestOf(about).slice("sha256:".length, 23));
    const journal = journals.get(directory) ?? (yield* openJournal({ ...settings, directory }));
    journals.set(directory, journal);
    plans.push({ arm, bundle: digest, cases, target, journal, costOf, maxOutputTokens: maxOutputTokens(bundle) });
  }
  return plans;
});

const maxOutputTokens = ({ model: { parameters } }: Bundle): number | null => {
  const given = parameters.max_completion_tokens ?? parameters.max_tokens;
  return typeof given === "number" ? given : null;
};

export interface ArmOutcomes {
  readonly plan: ArmPlan;
  readonly outcomes: ReadonlyArray<AskOutcome>;
}

export interface RunOutcome {
  readonly arms: ReadonlyArray<ArmOutcomes>;
  /** Safety cases on which the arms disagreed at first. */
  readonly flips: ReadonlyArray<SafetyFlip>;
}

/**
 * Runs every arm, each case `repeats` times. A safety case on which two arms disagree is asked `confirmations` times more on
 * both: the further answers stand in the results as repeats, so that the majority decides and nothing is left out.
 */
export const executeRun = Effect.fn("executeRun")(function* (
  plans: ReadonlyArray<ArmPlan>,
  { repeats, confirmations, ...settings }: RunSettings & { readonly repeats: number; readonly confirmations: number },
): Effect.fn.Return<RunOutcome, EvalRunError, Judge> {
  const arms: Array<ArmOutcomes> = [];
  for (const plan of plans)
    arms.push({ plan, outcomes: yield* runAsks(plan, asksOf(plan.cases, span(0, repeats)), settings) });
  const run = yield* confirmed(arms, span(repeats, confirmations), settings);
  for (const { plan } of arms) if (!plan.target.isReusable) plan.journal.remove();
  return run;
});

const span = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);

const confirmed = Effect.fnUntraced(function* (
  arms: ReadonlyArray<ArmOutcomes>,
  furtherRepeats: ReadonlyArray<number>,
  settings: RunSettings,
): Effect.fn.Return<RunOutcome, EvalRunError, Judge> {
  const [baseline, candidate] = [armOf(arms, "baseline"), armOf(arms, "candidate")];
  if (!baseline || !candidate || furtherRepeats.length === 0) return { arms, flips: [] };
  const flipped = safetyFlips(candidate.plan.cases, talliesOf(baseline.outcomes), talliesOf(candidate.outcomes));
  const ids = new Set(flipped.map(({ caseId }) => caseId));
  const all: Array<ArmOutcomes> = [];
  for (const { plan, outcomes } of arms) {
    const cases = plan.cases.filter(({ caseId }) => ids.has(caseId));
    all.push({ plan, outcomes: [...outcomes, ...(yield* runAsks(plan, asksOf(cases, furtherRepeats), settings))] });
  }
  const none = { scored: 0, passed: 0 };
  const [before, after] = [armOf(all, "baseline"), armOf(all, "candidate")].map((arm) =>
    talliesOf(arm?.outcomes ?? []),
  );
  const flips = [...ids].map((caseId) => flipOf(caseId, before?.get(caseId) ?? none, after?.get(caseId) ?? none));
  return { arms: all, flips };
});

const armOf = (arms: ReadonlyArray<ArmOutcomes>, arm: ArmPlan["arm"]) => arms.find(({ plan }) => plan.arm === arm);
