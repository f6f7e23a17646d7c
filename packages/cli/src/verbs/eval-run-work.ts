import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { access, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { type CaseResultLine, timestampOf } from "@sluice/contracts";
import {
  type ArmPlan,
  asksOf,
  type Estimate,
  type EvalRunError,
  type EvalSet,
  estimateOf,
  executeRun,
  Ledger,
  makePace,
  type Prices,
  planRun,
  type RunOutcome,
  readEvalSet,
  resultLine,
} from "@sluice/evals/runner/index";
import { Judge } from "@sluice/judge";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { usableDirectory } from "../data-directory.ts";
import { Exit, exitCodes, usageError } from "../exit.ts";
import { print, printJson, remark } from "../output.ts";
import { type Providers, readProviders } from "../providers-file.ts";
import { writeManifest } from "../results-manifest.ts";
import type { EvalRunFlags } from "./eval-run.ts";
import { outlivesItsStarter } from "./eval-run-courier.ts";
import { progressLine } from "./eval-run-progress.ts";
import { checkFlags, readArms, readPrices } from "./eval-run-settings.ts";
import { estimateSentence, runSummary, summaryText } from "./eval-run-summary.ts";

const LONGEST_WAIT_MS = 120_000;
/** The gate's default: more errors than this, and the results are no evidence. */
const MAX_ERROR_SHARE = 0.02;

/** `sluice eval run`, in the courier. */
export const evalRun = (given: EvalRunFlags): Effect.Effect<void, Exit, Scope.Scope> =>
  Effect.gen(function* () {
    yield* outlivesItsStarter;
    yield* checkFlags(given);
    const providers = yield* readProviders(given.providers);
    const prices = yield* readPrices(given.prices);
    const { candidate, inputs } = yield* readArms(given, providers, prices);
    const evalSet = yield* readEvalSet(yield* evalSetFile(given, candidate.evalSet)).pipe(asExit);
    yield* usableDirectory("--cache", given.cache);
    const plans = yield* planRun(evalSet, inputs, {
      policyJudge: candidate.policy.judge,
      cacheDirectory: given.cache,
      isFresh: given.fresh,
      patienceMs: given.timeout * 2_000 + 10_000,
      onWait: (owner) =>
        remark(`process ${owner} is still writing down answers of the same bundle; this run waits for it`),
    }).pipe(asExit);
    yield* checkJudges(plans, providers);
    const estimates = plans.map((plan) => estimateOf(plan, asksOf(plan.cases, range(given.repeats))));
    yield* checkBudget(given, prices, plans, estimates);
    if (given.estimate && given.json)
      return yield* printJson(plans.map(({ arm, bundle }, i) => ({ arm, bundle, ...estimates[i] })));
    for (const [i, plan] of plans.entries()) {
      const estimate = estimates[i];
      if (estimate)
        yield* (given.estimate ? print : remark)(estimateSentence(plan.arm, estimate, prices?.currency ?? null));
    }
    if (given.estimate) return;
    yield* checkFolders([given.out, given.baselineOut]);
    const run = yield* work(given, plans, prices, evalSet).pipe(
      Effect.provide(Judge.layer({ providers, retries: given.retries, connections: given.concurrency })),
    );
    const share = errorShare(run);
    if (share > MAX_ERROR_SHARE)
      return yield* new Exit({
        code: exitCodes.invalid,
        sentence: `${(share * 100).toFixed(1)} % of the results are errors, more than ${MAX_ERROR_SHARE * 100} %: they are no evidence; the first: ${firstError(run)}`,
      });
  });

const work = Effect.fnUntraced(function* (
  given: EvalRunFlags,
  plans: ReadonlyArray<ArmPlan>,
  prices: Prices | null,
  evalSet: EvalSet,
) {
  const ledger = new Ledger({ maxCost: given.maxCost ?? null, maxTokens: given.maxTokens ?? null });
  const total = plans.reduce((sum, { cases }) => sum + cases.length * given.repeats, 0);
  const line = progressLine(total, ledger, prices?.currency ?? null);
  const run = yield* executeRun(plans, {
    repeats: given.repeats,
    confirmations: given.confirm,
    concurrency: given.concurrency,
    patience: { retries: given.retries, longestWaitMs: LONGEST_WAIT_MS },
    pace: makePace(given.rate ?? null),
    ledger,
    progress: line.progress,
  }).pipe(
    Effect.ensuring(Effect.sync(line.clear)),
    Effect.onInterrupt(() =>
      remark(`stopped: every answer that was sent for is kept; run the same command again to go on (${given.cache})`),
    ),
    asExit,
  );
  const files = { baseline: given.baselineOut, candidate: given.out };
  const producedAt = timestampOf(yield* Clock.currentTimeMillis);
  for (const { plan, outcomes } of run.arms) {
    const costUsdOf = prices?.currency === "USD" ? plan.costOf : null;
    const file = files[plan.arm] ?? "";
    yield* writeResults(
      file,
      outcomes.map((outcome) => resultLine(outcome, costUsdOf)),
    );
    yield* writeManifest(file, { evalSet: evalSet.digest, bundle: plan.bundle, producedAt });
  }
  const summary = runSummary(run, { evalSet: evalSet.digest, counts: line.counts, ledger, prices, files });
  yield* given.json ? printJson(summary) : print(summaryText(summary));
  return run;
});

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

const asExit = <A, R>(effect: Effect.Effect<A, EvalRunError, R>): Effect.Effect<A, Exit, R> =>
  Effect.mapError(effect, ({ kind, message }) => new Exit({ code: codes[kind], sentence: message }));

/** A budget that is spent leaves too little data, not wrong data. */
const codes = { usage: exitCodes.usage, unreachable: exitCodes.internal, budget: exitCodes.inconclusive } as const;

const evalSetFile = (given: EvalRunFlags, configured: string | null): Effect.Effect<string, Exit> => {
  const file = given.evalSet ?? configured;
  return file === null || file === undefined
    ? Effect.fail(usageError(`${given.config} names no evalSet; add it, or give --eval-set FILE`))
    : Effect.succeed(file);
};

/** A judge whose upstream is not known would make an error of every answer that was paid for. */
const checkJudges = Effect.fnUntraced(function* (
  plans: ReadonlyArray<ArmPlan>,
  providers: Providers,
): Effect.fn.Return<void, Exit> {
  for (const { caseId, scorers } of plans.flatMap(({ cases }) => cases))
    for (const scorer of scorers)
      if (scorer._tag === "Judge" && !Object.hasOwn(providers, scorer.specification.provider))
        return yield* usageError(
          `case ${caseId}: its judge's provider is ${scorer.specification.provider}, and --providers names ${Object.keys(providers).join(", ") || "none"}; add it there`,
        );
});

const checkBudget = Effect.fnUntraced(function* (
  given: EvalRunFlags,
  prices: Prices | null,
  plans: ReadonlyArray<ArmPlan>,
  estimates: ReadonlyArray<Estimate>,
): Effect.fn.Return<void, Exit> {
  const unpriced = plans.filter(({ costOf }) => costOf({ inputTokens: 1, outputTokens: 1 }) === null);
  if (given.maxCost !== undefined && unpriced.length > 0)
    return yield* usageError(
      `--max-cost cannot be kept: the price of the ${unpriced[0]?.arm}'s model is not known; give it in --prices FILE`,
    );
  const cost = estimates.reduce((sum, estimate) => sum + (estimate.cost ?? 0), 0);
  const tokens = estimates.reduce((sum, estimate) => sum + estimate.tokens, 0);
  if (given.estimate) return;
  if (given.maxCost !== undefined && cost > given.maxCost)
    return yield* usageError(
      `--max-cost is ${given.maxCost}, and the run is estimated at ${cost.toFixed(4)} ${prices?.currency ?? ""}; raise it or use fewer cases`,
    );
  if (given.maxTokens !== undefined && tokens > given.maxTokens)
    return yield* usageError(
      `--max-tokens is ${given.maxTokens}, and the run is estimated at ${tokens} tokens; raise it or use fewer cases`,
    );
});

/** Asked before anything is paid: results need a place. */
const checkFolders = (files: ReadonlyArray<string | undefined>): Effect.Effect<void, Exit> =>
  Effect.forEach(
    files.filter((file) => file !== undefined),
    (file) =>
      Effect.tryPromise({
        try: () => access(dirname(file), constants.W_OK),
        catch: () => usageError(`${file} cannot be written; name a file in a directory that exists`),
      }),
    { discard: true },
  );

/** Whole or not at all: half a file would look like a smaller eval set. */
const writeResults = (file: string, lines: ReadonlyArray<CaseResultLine>): Effect.Effect<void, Exit> =>
  Effect.tryPromise({
    try: async () => {
      const half = `${file}.${randomUUID()}.tmp`;
      try {
        await writeFile(half, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
        await rename(half, file);
      } catch (cause) {
        await rm(half, { force: true });
        throw cause;
      }
    },
    catch: (cause) => {
      const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown reason";
      return usageError(`${file} cannot be written (${code}); name a file in a directory that exists`);
    },
  });

const errorShare = ({ arms }: RunOutcome): number =>
  Math.max(...arms.map(({ outcomes }) => outcomes.filter(({ _tag }) => _tag === "Errored").length / outcomes.length));

const firstError = ({ arms }: RunOutcome): string => {
  for (const { outcomes } of arms)
    for (const outcome of outcomes)
      if (outcome._tag === "Errored") return `case ${outcome.ask.planned.caseId}: ${outcome.message}`;
  return "";
};
