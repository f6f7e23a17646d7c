import { type CanaryWindow, epochMsOf, type Timestamp, timestampOf } from "@sluice/contracts";
import { judgeReportOf, trustIn } from "@sluice/judge/domain/judge-trust";
import { calibrationFinder } from "@sluice/judge/find-calibration";
import { policyOf, type Release } from "@sluice/release";
import { TelemetryStore, type WindowRow } from "@sluice/telemetry";
import * as Effect from "effect/Effect";
import type { Fault, StepFacts } from "../domain/decide-step.ts";
import { type CanaryEvaluation, evaluateCanary } from "../domain/evaluate-canary.ts";
import { closedThrough, type GatewayBook, liveGateways, takenByAll } from "../domain/gateway-book.ts";
import { settledWindows } from "../domain/settled-windows.ts";
import { conversationsSince, startOfWindows, type WindowedStep } from "../domain/windowed-step.ts";
import type { CanaryControllerSettings } from "../settings.ts";

/** More windows than this in one step would make events and evaluations too large: policy should choose longer ones. */
const MAX_WINDOWS_OF_A_STEP = 3_000;

/** Windows of one step that will not change any more, and the evaluation they last led to. */
interface Kept {
  readonly rows: Map<Timestamp, WindowRow>;
  settledThrough: Timestamp;
  /** The last windows of the steps before, whose judgements may still come; read until they have settled. */
  tail: ReadonlyArray<WindowRow>;
  isTailSettled: boolean;
  /** Once known it stays: a gateway that comes later has had the share from its start. */
  conversationsSince: Timestamp | null;
  evaluated: { readonly through: Timestamp; readonly evaluation: CanaryEvaluation | null } | null;
}

type Observed = Pick<StepFacts, "evaluation" | "fault">;

/**
 * What the telemetry store knows of a canary step: the evaluation of its closed windows, or why there is none. Nothing here
 * is needed after a restart: windows that are kept are only not asked for again.
 */
export const stepObserver = Effect.fn("stepObserver")(function* (settings: CanaryControllerSettings) {
  const store = yield* TelemetryStore;
  const findCalibration = yield* calibrationFinder;
  const keptOf = new Map<string, Kept>();

  const readWindows = Effect.fnUntraced(function* (step: WindowedStep, kept: Kept, through: Timestamp) {
    const windowMs = step.windowSeconds * 1_000;
    const { application, releaseId, windowSeconds } = step;
    const rows = yield* store.windows({
      application,
      releaseId,
      windowSeconds,
      from: kept.settledThrough,
      to: through,
      unitsSince: startOfWindows(step),
      conversationsSince: kept.conversationsSince ?? through,
    });
    for (const row of rows) kept.rows.set(row.from, row);
    const settledMs = Math.floor((epochMsOf(through) - settings.judgementLagMs) / windowMs) * windowMs;
    if (settledMs > epochMsOf(kept.settledThrough)) kept.settledThrough = timestampOf(settledMs);
  });

  const readTail = Effect.fnUntraced(function* (
    step: WindowedStep,
    kept: Kept,
    earlier: ReadonlyArray<CanaryWindow>,
    through: Timestamp,
  ) {
    const [first] = earlier;
    if (kept.isTailSettled || step.judgedBefore === null || !first) return;
    const { application, releaseId, windowSeconds, judgedBefore } = step;
    const windowMs = windowSeconds * 1_000;
    // Twice the lag: a step that was shorter than it had no settled window of its own to count them in.
    const sinceMs = Math.floor((epochMsOf(judgedBefore) - 2 * settings.judgementLagMs) / windowMs) * windowMs;
    const from = timestampOf(Math.max(epochMsOf(first.from), sinceMs));
    const bounds = { from, to: judgedBefore, unitsSince: from, conversationsSince: from };
    kept.tail = yield* store.windows({ application, releaseId, windowSeconds, ...bounds });
    kept.isTailSettled = epochMsOf(through) - settings.judgementLagMs >= epochMsOf(judgedBefore);
  });

  const observe = Effect.fnUntraced(function* (
    release: Release,
    step: WindowedStep,
    earlier: ReadonlyArray<CanaryWindow>,
    gateways: GatewayBook,
    now: Timestamp,
  ) {
    const live = liveGateways(gateways, now, settings.gatewayTimeoutMs);
    const marks = yield* store.watermarks(step.application);
    const { through, fault } = closedThrough(live, marks, {
      startedAt: step.startedAt,
      now,
      windowSeconds: step.windowSeconds,
      graceMs: settings.watermarkGraceMs,
    });
    const from = startOfWindows(step);
    const kept = keptOf.get(step.key) ?? newlyKept(from);
    keptOf.set(step.key, kept);
    if (!through || through <= from) return { evaluation: kept.evaluated?.evaluation ?? null, fault };
    const windows = (epochMsOf(through) - epochMsOf(from)) / (step.windowSeconds * 1_000);
    if (windows > MAX_WINDOWS_OF_A_STEP)
      return { evaluation: null, fault: tooManyWindows(windows, step.windowSeconds) };
    if (!kept.evaluated || kept.evaluated.through < through) {
      const taken = takenByAll(live, step.application, step.version);
      kept.conversationsSince ??= conversationsSince(step, taken, now);
      yield* readWindows(step, kept, through);
      yield* readTail(step, kept, earlier, through);
      const present = [...kept.rows.values()].filter((row) => row.from < through).map(windowOf(step));
      const { tail, settledThrough } = kept;
      const settled = settledWindows({ earlier, tail, present, settledThrough });
      const policy = policyOf(release);
      const judgeReport = judgeReportOf(trustIn(policy, yield* findCalibration(policy)), null);
      const evaluation = evaluateCanary(policy.canary, [...earlier, ...settled], step.step, judgeReport);
      kept.evaluated = { through, evaluation };
    }
    return { evaluation: kept.evaluated.evaluation, fault };
  });

  /** Steps that are over are forgotten; `keys` are those that are not. */
  const forgetOthers = (keys: ReadonlySet<string>) => {
    for (const key of keptOf.keys()) if (!keys.has(key)) keptOf.delete(key);
  };

  const observeSafely = (...input: Parameters<typeof observe>): Effect.Effect<Observed> =>
    observe(...input).pipe(
      Effect.timeoutOrElse({
        duration: settings.queryTimeoutMs,
        orElse: () => Effect.succeed(queryFailed(`no answer within ${settings.queryTimeoutMs} ms`)),
      }),
      Effect.catchTag("TelemetryError", (error) => Effect.succeed(queryFailed(error.message))),
      Effect.catchTag("ArtifactStoreError", (error) =>
        Effect.succeed(queryFailed(`the judge's calibration: ${error.message}`, "the artifact store")),
      ),
      // A bug in the evaluation must not leave the candidate unwatched: it holds, and is rolled back at the deadline.
      Effect.catchDefect((defect) =>
        Effect.as(Effect.logError("the evidence could not be evaluated", defect), queryFailed("an internal error")),
      ),
    );

  return { observe: observeSafely, forgetOthers };
});

const newlyKept = (from: Timestamp): Kept => ({
  rows: new Map(),
  settledThrough: from,
  tail: [],
  isTailSettled: false,
  conversationsSince: null,
  evaluated: null,
});

const windowOf =
  ({ step, share }: WindowedStep) =>
  ({ from, baseline, candidate, probes }: WindowRow): CanaryWindow => ({
    from,
    step,
    share,
    baseline,
    candidate,
    probes,
  });

const queryFailed = (reason: string, store = "the telemetry store"): Observed => ({
  evaluation: null,
  fault: { cause: "query-failed", waitsFor: `${store} to answer (${reason})` },
});

const tooManyWindows = (windows: number, windowSeconds: number): Fault => ({
  cause: "query-failed",
  waitsFor: `fewer windows: the step has ${windows} of ${windowSeconds} s, more than ${MAX_WINDOWS_OF_A_STEP}; choose a longer windowSeconds`,
});
