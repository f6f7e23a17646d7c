import type { ArtifactStore } from "@sluice/artifact-store";
import { timestampOf } from "@sluice/contracts";
import type { Refusal, Release } from "@sluice/release";
import { ReleaseLog } from "@sluice/release-log";
import { onChangeOrTick } from "@sluice/release-log/on-change-or-tick";
import * as Clock from "effect/Clock";
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import * as FiberMap from "effect/FiberMap";
import * as Schedule from "effect/Schedule";
import type * as Scope from "effect/Scope";
import * as Semaphore from "effect/Semaphore";
import { releasesToGate } from "../domain/gate-work.ts";
import type { GateSettings } from "../settings.ts";
import { evaluateRelease } from "./evaluate-release.ts";
import type { Evaluator } from "./evaluator.ts";

/** Looks at the log on every change and tick, and answers each release that waits for the gate, once. */
export const answerReleases = Effect.fn("answerReleases")(function* (
  settings: GateSettings,
): Effect.fn.Return<void, never, ReleaseLog | ArtifactStore | Evaluator | Scope.Scope> {
  const log = yield* ReleaseLog;
  const permits = yield* Semaphore.make(settings.concurrency);
  // One evaluation per release; the next look finds it under way and leaves it alone.
  const underWay = yield* FiberMap.make<string>();
  const look = Effect.suspend(() =>
    Effect.forEach(
      releasesToGate(log.applications()),
      (release) => FiberMap.run(underWay, keyOf(release), answer(release, settings, permits), { onlyIfMissing: true }),
      { discard: true },
    ),
  );
  yield* onChangeOrTick("gate", look, settings.tickMs);
});

const keyOf = (release: Release): string => `${release.request.application}/${release.releaseId}`;

const answer = (release: Release, settings: GateSettings, permits: Semaphore.Semaphore) => {
  const { application } = release.request;
  const { releaseId } = release;
  return Effect.gen(function* () {
    const log = yield* ReleaseLog;
    const report = yield* Semaphore.withPermit(permits, evaluateRelease(release, settings));
    const at = timestampOf(yield* Clock.currentTimeMillis);
    yield* log.submit({ _tag: "RecordGateReport", application, releaseId, at, report });
    yield* Effect.logInfo("gate answered").pipe(Effect.annotateLogs({ verdict: report.verdict }));
  }).pipe(
    // Somebody was first (an abort, another gate): normal.
    Effect.catchTag("Refusal", (refused: Refusal) =>
      Effect.logDebug(`the gate's report was refused: ${refused.sentence}`),
    ),
    Effect.tapError((error) => Effect.logWarning(`no verdict yet, trying again: ${error.message}`)),
    // A store or bus that is down says nothing about the candidate: try until it is back, or the release is gone.
    Effect.retry({
      while: () => isWaiting(application, releaseId),
      schedule: Schedule.min([
        Schedule.exponential(Duration.millis(settings.retryMs)),
        Schedule.spaced(Duration.millis(settings.maxRetryMs)),
      ]),
    }),
    Effect.ignore,
    // A bug is no verdict either. The tick starts it again, after a pause that keeps the log readable.
    Effect.catchDefect((defect) =>
      Effect.andThen(Effect.logError("the gate could not answer", defect), Effect.sleep(settings.maxRetryMs)),
    ),
    Effect.annotateLogs({ application, releaseId }),
  );
};

const isWaiting = (application: string, releaseId: string) =>
  Effect.map(ReleaseLog, (log) => {
    const active = log.applications().get(application)?.active;
    return active?.releaseId === releaseId && active.phase === "requested";
  });
