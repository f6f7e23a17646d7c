import { type ApplicationName, type ReleaseEvent, releasesTopic, timestampOf } from "@sluice/contracts";
import { EventBus, type Received } from "@sluice/event-bus";
import { type ApplicationState, initialState, policyOf, type Release, type ReleaseCommand } from "@sluice/release";
import { ReleaseLog } from "@sluice/release-log";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import { type GatewayBook, gatewaysToPin, mitigationOf } from "../domain/gateway-book.ts";
import { type Facts, plan } from "../domain/plan.ts";
import {
  earlierWindows,
  emptyHistory,
  hasReached,
  passedEvidence,
  pinnedVersion,
  recordEvent,
  type StepHistory,
  startedVersion,
} from "../domain/step-history.ts";
import { keyOfStep, windowedStep } from "../domain/windowed-step.ts";
import type { CanaryControllerSettings } from "../settings.ts";
import { freezeCommands } from "./freeze-keeper.ts";
import { progressPublisher } from "./progress-publisher.ts";
import { stepObserver } from "./step-observer.ts";
import { submit } from "./submit.ts";

/** Applications looked at side by side: a slow query of one must not delay the others. */
const CONCURRENCY = 4;

/**
 * One look at every application with an active release: gathers the facts, asks `plan`, submits what it says. It decides
 * only on the folded log and the telemetry store, so a restart, or a second instance, comes to the same decisions.
 */
export const controlLoop = Effect.fn("controlLoop")(function* (
  settings: CanaryControllerSettings,
  gateways: () => GatewayBook,
) {
  const bus = yield* EventBus;
  const log = yield* ReleaseLog;
  const observer = yield* stepObserver(settings);
  const tellProgress = yield* progressPublisher(settings.progressMs);
  let history: StepHistory = emptyHistory;
  /** When the evidence of an application's candidate could last be seen, whatever it said. */
  const lastSeenMs = new Map<ApplicationName, number>();
  yield* bus.follow(releasesTopic, (batch: ReadonlyArray<Received<ReleaseEvent>>) =>
    Effect.sync(() => {
      for (const { event } of batch) history = recordEvent(history, event);
    }),
  );

  const factsOf = Effect.fnUntraced(function* (state: ApplicationState, release: Release, now: string) {
    const step = release.step ?? 0;
    const name = { application: state.application, releaseId: release.releaseId };
    const known = hasReached(history, state.application, state.version);
    const { maxUnwatchedSeconds } = policyOf(release).canary;
    const asked = gatewaysToPin(gateways(), release.since, maxUnwatchedSeconds, settings.gatewayTimeoutMs);
    const pinned = pinnedVersion(history, name) ?? state.version;
    // A pause may come between a step that has passed and the next one: its users are watched all the same.
    const isJudged = known && release.phase === "canary" && (!release.stepPassed || release.standsStillSince !== null);
    const before = step > 0 ? passedEvidence(history, name, step - 1) : null;
    const version = startedVersion(history, name, step) ?? state.version;
    const observed = windowedStep(release, version, before?.window.to ?? null);
    const earlier = earlierWindows(history, name, step);
    return {
      step: isJudged ? yield* observer.observe(release, observed, earlier, gateways(), now) : null,
      mitigation: mitigationOf(asked, state.application, pinned),
      passedEvidence: known ? passedEvidence(history, name, step) : null,
    } satisfies Facts;
  });

  const stateOf = (application: ApplicationName): ApplicationState =>
    log.applications().get(application) ?? initialState(application);

  const lookAt = Effect.fnUntraced(function* ({ application }: ApplicationState) {
    const nowMs = yield* Clock.currentTimeMillis;
    const now = timestampOf(nowMs);
    const freezes = freezeCommands(log.applications(), stateOf(application), now);
    for (const command of freezes) yield* submit(command);
    const state = stateOf(application);
    const release = state.active;
    if (!release) return;
    const facts = yield* factsOf(state, release, now);
    // A fault is always one of seeing: a query that failed, observations that are behind. Without traffic there is none.
    if (facts.step && facts.step.fault === null) lastSeenMs.set(state.application, nowMs);
    // Time passes while queries run: what was decided meanwhile by others refuses these commands.
    for (const command of plan(state, now, facts)) yield* submitSafely(command);
    // What was decided comes first; who watches hears a little later.
    if (facts.step) yield* tellProgress({ release, now, ...facts.step });
  });
  // What goes wrong with one application must not keep the others from being looked at.
  const lookAtSafely = (state: ApplicationState) =>
    lookAt(state).pipe(
      Effect.catchDefect((defect) => Effect.logError("an application could not be looked at", defect)),
      Effect.annotateLogs({ application: state.application }),
    );

  const look = Effect.gen(function* () {
    const states = [...log.applications().values()];
    observer.forgetOthers(new Set(states.flatMap(({ active }) => (active ? [keyOfStep(active)] : []))));
    yield* Effect.forEach(states, lookAtSafely, { concurrency: CONCURRENCY, discard: true });
  });

  return { look, lastSeenMs: (application: ApplicationName) => lastSeenMs.get(application) ?? 0 };
});

/** A verdict against the candidate is worth more than its evidence: if that cannot be published, the verdict goes without. */
const submitSafely = (command: ReleaseCommand) =>
  submit(command).pipe(
    Effect.catchDefect((defect) => {
      const carries = command._tag === "BreachCanary" || command._tag === "HoldCanary";
      if (!carries || command.evidence === null) return Effect.die(defect);
      return Effect.andThen(
        Effect.logError("the evidence of a decision cannot be published", defect),
        submit({ ...command, evidence: null }),
      );
    }),
  );
