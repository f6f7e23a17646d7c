import { digestOf } from "@sluice/contracts";
import { Judge } from "@sluice/judge";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { type ArmPlan, type Ask, expectedUsage, keyOf } from "./arm-plan.ts";
import { askPatiently, type Patience } from "./ask-patiently.ts";
import { type CompiledScorer, combinedScore, type Score } from "./compiled-scorer.ts";
import { EvalRunError } from "./eval-run-error.ts";
import type { Ledger } from "./ledger.ts";
import type { Pace } from "./pace.ts";
import type { Answer, AskFailure } from "./target.ts";

/** What became of one request: an answer with its score, or an error, which is never a score. */
export type AskOutcome = { readonly ask: Ask; readonly isReused: boolean } & (
  | { readonly _tag: "Scored"; readonly answer: Answer; readonly score: Score }
  | { readonly _tag: "Errored"; readonly message: string; readonly answer: Answer | null }
);

export interface RunSettings {
  readonly concurrency: number;
  readonly patience: Patience;
  readonly pace: Pace;
  readonly ledger: Ledger;
  readonly progress: Progress;
}

/** Told what happens, as it happens. */
export interface Progress {
  readonly sent: () => void;
  readonly retried: (failure: AskFailure) => void;
  readonly finished: (outcome: AskOutcome) => void;
}

/**
 * Asks whatever has no answer yet and scores all of it; outcomes in the order of the asks. Each answer is in the journal
 * before the next request goes out. When interrupted it sends nothing more, and ends once the requests under way are
 * answered and written down. Stops with an error where the target is unusable or the budget is spent.
 */
export const runAsks = (
  plan: ArmPlan,
  asks: ReadonlyArray<Ask>,
  settings: RunSettings,
): Effect.Effect<ReadonlyArray<AskOutcome>, EvalRunError, Judge> => {
  // An answer that no target ever gave yet: then a failure to connect is the whole run's, not the case's.
  const met = { answers: plan.journal.answers.size, unreachable: 0 };
  return Effect.forEach(
    asks,
    Effect.fnUntraced(function* (ask) {
      const known = plan.journal.answers.get(keyOf(plan, ask));
      const asked = known ? Result.succeed(known) : yield* answerTo(plan, ask, settings, met);
      const about = { ask, isReused: known !== undefined };
      const outcome: AskOutcome = Result.isFailure(asked)
        ? { ...about, _tag: "Errored", message: asked.failure, answer: null }
        : yield* Effect.match(scoreOf(plan, ask, asked.success), {
            onFailure: (message): AskOutcome => ({ ...about, _tag: "Errored", message, answer: asked.success }),
            onSuccess: (score): AskOutcome => ({ ...about, _tag: "Scored", answer: asked.success, score }),
          });
      settings.progress.finished(outcome);
      return outcome;
    }),
    { concurrency: settings.concurrency },
  );
};

/** So many cases that fail while none is answered are no bad luck. */
const HOPELESS = 5;

const answerTo = Effect.fnUntraced(function* (
  plan: ArmPlan,
  ask: Ask,
  { patience, pace, ledger, progress }: RunSettings,
  met: { answers: number; unreachable: number },
): Effect.fn.Return<Result.Result<Answer, string>, EvalRunError> {
  const { journal, costOf } = plan;
  const key = keyOf(plan, ask);
  const expected = expectedUsage(plan, ask, null);
  if (!ledger.reserve(expected, costOf))
    return yield* new EvalRunError({
      kind: "budget",
      message: `the budget of this run is spent: ${journal.answers.size} answers are kept; run the same command again to go on, or with a larger --max-cost or --max-tokens`,
    });
  // Not to be interrupted between sending and writing down: that answer would be paid for again.
  const attempt = Effect.uninterruptible(
    Effect.suspend(() => {
      journal.append({ entry: "sent", key });
      progress.sent();
      return plan.target.ask(ask.planned, ask.repeat);
    }).pipe(
      Effect.tap((answer) => Effect.sync(() => journal.append({ entry: "answered", key, answer }))),
      Effect.tapError(() => Effect.sync(() => journal.append({ entry: "failed", key }))),
    ),
  );
  const outcome = yield* Effect.result(askPatiently(attempt, pace, patience, progress.retried));
  ledger.release(expected, costOf);
  if (Result.isSuccess(outcome)) {
    met.answers++;
    ledger.spend(outcome.success, costOf);
    return Result.succeed(outcome.success);
  }
  const { kind, message, retryAfterMs } = outcome.failure;
  if (kind === "unusable")
    return yield* new EvalRunError({
      kind: "usage",
      message: `${plan.target.identity}: ${message}; correct the provider, its key or the model`,
    });
  // A quota of the day: every further request would be told the same.
  if (kind === "throttled" && (retryAfterMs ?? 0) > patience.longestWaitMs)
    return yield* new EvalRunError({
      kind: "unreachable",
      message: `${plan.target.identity} asks to come back in ${Math.ceil((retryAfterMs ?? 0) / 1_000)} s; run the same command again then`,
    });
  met.unreachable++;
  if (met.answers === 0 && met.unreachable >= Math.min(HOPELESS, plan.cases.length))
    return yield* new EvalRunError({
      kind: "unreachable",
      message: `${plan.target.identity} gives no answer: ${message}`,
    });
  return Result.fail(message);
});

/** Fails with a sentence where a judge has no score. */
const scoreOf = (plan: ArmPlan, ask: Ask, answer: Answer): Effect.Effect<Score, string, Judge> =>
  Effect.map(
    Effect.forEach(ask.planned.scorers, (scorer) =>
      scorer._tag === "Rule"
        ? Effect.sync((): Score => {
            const passed = scorer.passes(answer.output);
            return { score: passed ? 1 : 0, passed };
          })
        : judged(plan, ask, answer, scorer),
    ),
    combinedScore,
  );

const judged = Effect.fnUntraced(function* (
  { journal }: ArmPlan,
  { planned, repeat }: Ask,
  { output }: Answer,
  { specification, passAt }: Extract<CompiledScorer, { readonly _tag: "Judge" }>,
): Effect.fn.Return<Score, string, Judge> {
  // The time limit is not part of what a judge thinks.
  const { timeoutMs: _, ...judge } = specification;
  const key = digestOf({ judge, input: planned.input, output, case: planned.caseId, repeat });
  const { score: scoreBy } = yield* Judge;
  const score =
    journal.scores.get(key) ??
    (yield* Effect.uninterruptible(
      scoreBy(specification, { input: planned.input, output }).pipe(
        Effect.tap((given) => Effect.sync(() => journal.append({ entry: "judged", key, score: given }))),
        Effect.mapError(({ message }) => message),
      ),
    ));
  return { score, passed: score >= passAt };
});
