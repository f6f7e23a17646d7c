import type { ArtifactStore } from "@sluice/artifact-store";
import { gatewaysTopic, judgementsTopic, observationsTopic, timestampOf } from "@sluice/contracts";
import { type BusError, EventBus } from "@sluice/event-bus";
import { type Judge, trustIn } from "@sluice/judge";
import { calibrationFinder } from "@sluice/judge/find-calibration";
import { type ApplicationState, policyOf, type Refusal } from "@sluice/release";
import { ReleaseLog } from "@sluice/release-log";
import { onChangeOrTick } from "@sluice/release-log/on-change-or-tick";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { MirrorDrops } from "../domain/mirror-drops.ts";
import { SeriesBook } from "../domain/series-book.ts";
import { planShadow } from "../domain/shadow-plan.ts";
import { type ShadowJudgeSettingsInput, shadowJudgeSettings } from "../settings.ts";
import { judgeObservations } from "./judge-observations.ts";
import { recordVerdict } from "./record-verdict.ts";

export interface RunningShadowJudge {
  readonly service: "shadow-judge";
}

/** Instances of the service share the judging; each folds all judgements, so that any of them can decide. */
const GROUP = "shadow-judge";

/**
 * Starts the shadow judge in the given scope: it starts the shadow of every release that passed the gate, judges what the
 * gateways observed, and records the verdict. All it knows comes from the topics, so a restart goes on where it was. Returns
 * once it has caught up with the judgements.
 */
export const shadowJudgeService = Effect.fn("shadowJudgeService")(function* (
  input: ShadowJudgeSettingsInput = {},
): Effect.fn.Return<RunningShadowJudge, BusError, ReleaseLog | EventBus | ArtifactStore | Judge | Scope.Scope> {
  const settings = shadowJudgeSettings(input);
  const log = yield* ReleaseLog;
  const bus = yield* EventBus;
  const book = new SeriesBook();
  const drops = new MirrorDrops();
  // Judgements wake the look, which is started once they are caught up with.
  let wake: Effect.Effect<void> = Effect.void;

  yield* bus.follow(judgementsTopic, (batch) =>
    Effect.suspend(() => {
      for (const { event } of batch) if (event._tag === "PairJudged") book.add(log.applications(), event);
      return wake;
    }),
  );
  yield* bus.follow(gatewaysTopic, (batch) =>
    Effect.sync(() => {
      for (const { event } of batch) drops.add(event);
    }),
  );
  yield* bus.consume(observationsTopic, GROUP, yield* judgeObservations(settings, book));

  const findCalibration = yield* calibrationFinder;
  wake = yield* onChangeOrTick("shadow", lookAtAll(book, drops, findCalibration), settings.tickMs);
  return { service: "shadow-judge" };
});

type FindCalibration = Effect.Success<typeof calibrationFinder>;

const lookAtAll = (book: SeriesBook, drops: MirrorDrops, findCalibration: FindCalibration) => {
  /** Drops before a shadow are not its own. */
  const dropsAtStart = new Map<string, number>();
  return Effect.gen(function* () {
    const log = yield* ReleaseLog;
    const applications = log.applications();
    book.forgetPast(applications);
    const current = new Set<string>();
    for (const state of applications.values()) {
      if (state.active?.phase !== "gate-passed" && state.active?.phase !== "shadow") continue;
      const key = `${state.application}/${state.active.releaseId}`;
      current.add(key);
      const before = dropsAtStart.get(key) ?? drops.total;
      dropsAtStart.set(key, before);
      yield* act(state, book, drops.total - before, findCalibration);
    }
    for (const key of dropsAtStart.keys()) if (!current.has(key)) dropsAtStart.delete(key);
  });
};

/** One application's trouble is not the others': whatever fails is tried again at the next look. */
const act = (state: ApplicationState, book: SeriesBook, mirrorDropped: number, findCalibration: FindCalibration) =>
  Effect.gen(function* () {
    const log = yield* ReleaseLog;
    const policy = state.active && policyOf(state.active);
    const trust = policy ? trustIn(policy, yield* findCalibration(policy)) : null;
    const nowMs = yield* Clock.currentTimeMillis;
    const plan = planShadow(state, (release) => book.of(release), mirrorDropped, trust, nowMs);
    if (plan.plan === "start-shadow")
      yield* log.submit({
        _tag: "StartShadow",
        application: state.application,
        releaseId: plan.release.releaseId,
        at: timestampOf(nowMs),
      });
    if (plan.plan === "record-verdict") yield* recordVerdict(plan.release, plan.inputs);
  }).pipe(
    // Somebody was first (an abort, another instance): normal.
    Effect.catchTag("Refusal", (refused: Refusal) => Effect.logDebug(`refused: ${refused.sentence}`)),
    Effect.catch((error) => Effect.logWarning(`the shadow could not go on, trying again: ${error.message}`)),
    Effect.catchDefect((defect) => Effect.logError("the shadow could not be decided", defect)),
    Effect.annotateLogs({ application: state.application, releaseId: state.active?.releaseId ?? "" }),
  );
