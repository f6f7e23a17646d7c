import { ArtifactStore } from "@sluice/artifact-store";
import { deadlineOf, decideStep } from "@sluice/canary-controller/domain/decide-step";
import { evaluateCanary } from "@sluice/canary-controller/domain/evaluate-canary";
import {
  type CanaryWindow,
  canonicalJson,
  type Policy,
  policyDigest,
  type ReleaseEvent,
  type ReleaseEventOf,
  type ReleaseId,
  ShadowInputs,
} from "@sluice/contracts";
import { replayGate } from "@sluice/gate/replay-gate";
import { type ApplicationState, evolve, initialState, policyOf, type Release } from "@sluice/release";
import { evaluateShadow } from "@sluice/shadow-judge/domain/evaluate-shadow";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";

/** An event that was accepted, and where it stands on record. */
export interface AcceptedEvent {
  readonly position: number;
  readonly event: ReleaseEvent;
}

export interface ReplayedDecision {
  readonly position: number;
  readonly releaseId: ReleaseId;
  readonly stage: "gate" | "shadow" | "canary";
  readonly step: number | null;
  /** Type of the event that was recorded, and of the one that the decision comes to now. */
  readonly recorded: string;
  readonly replayed: string;
  /** Whether decision and evidence are the same to the byte. Under another policy they seldom are. */
  readonly same: boolean;
  /** Why it could not be run again: its inputs were not kept, or the store could not be reached. */
  readonly missing: string | null;
}

type Decision = ReleaseEventOf<
  | "OfflineGatePassed"
  | "OfflineGateBlocked"
  | "OfflineGateInconclusive"
  | "OfflineGateInvalid"
  | "ShadowPassed"
  | "ShadowRegressed"
  | "ShadowInconclusive"
  | "CanaryStepPassed"
  | "CanaryBreached"
>;

const isDecision = (event: ReleaseEvent): event is Decision =>
  "report" in event ||
  event._tag === "ShadowPassed" ||
  event._tag === "ShadowRegressed" ||
  event._tag === "ShadowInconclusive" ||
  event._tag === "CanaryStepPassed" ||
  event._tag === "CanaryBreached";

/** What a decision comes to: the type of its event, and what is compared to the byte. */
interface Outcome {
  readonly type: string;
  readonly content: unknown;
}

/** No verdict yet: more evidence would be waited for. */
const WAITS = "(waits)";

const gateTypes = {
  passed: "OfflineGatePassed",
  blocked: "OfflineGateBlocked",
  inconclusive: "OfflineGateInconclusive",
  invalid: "OfflineGateInvalid",
} as const;
const shadowTypes = {
  passed: "ShadowPassed",
  regressed: "ShadowRegressed",
  inconclusive: "ShadowInconclusive",
  wait: WAITS,
} as const;

/**
 * Runs every decision of an application's record again, from the record and the artifacts alone: gate, shadow and canary,
 * each by the function that made it. `policy` puts another policy in place of the one that was followed; then the answer is
 * what would have been decided on the same evidence.
 */
export const replayDecisions = Effect.fn("replayDecisions")(function* (
  application: string,
  record: ReadonlyArray<AcceptedEvent>,
  policy: Policy | null,
) {
  let state = initialState(application);
  const decisions: Array<ReplayedDecision> = [];
  const windows = new Map<ReleaseId, ReadonlyArray<CanaryWindow>>();
  for (const { position, event } of record) {
    if (isDecision(event)) {
      const earlier = windows.get(event.releaseId) ?? [];
      decisions.push(yield* replayed(state, event, earlier, position, policy));
      if (event._tag === "CanaryStepPassed") windows.set(event.releaseId, [...earlier, ...event.evidence.windows]);
    }
    state = evolve(state, event);
  }
  return decisions;
});

const replayed = Effect.fnUntraced(function* (
  state: ApplicationState,
  event: Decision,
  earlier: ReadonlyArray<CanaryWindow>,
  position: number,
  policy: Policy | null,
): Effect.fn.Return<ReplayedDecision, never, ArtifactStore> {
  const { releaseId } = event;
  const head = {
    position,
    releaseId,
    stage:
      "report" in event
        ? ("gate" as const)
        : event._tag.startsWith("Shadow")
          ? ("shadow" as const)
          : ("canary" as const),
    step: "step" in event ? event.step : null,
    recorded: event._tag,
  };
  const release = state.active?.releaseId === releaseId ? underPolicy(state.active, policy) : null;
  if (!release) return { ...head, replayed: "(unknown)", same: false, missing: "the release is not active there" };
  const found = yield* Effect.result(outcomeOf(release, event, earlier));
  if (found._tag === "Failure") return { ...head, replayed: "(unknown)", same: false, missing: found.failure.message };
  const { type, content } = found.success;
  const recorded = { ...contentOf(event), policyDigest: event.policyDigest };
  const now = { ...(content as object), policyDigest: policyDigest(policyOf(release)) };
  const same = type === event._tag && canonicalJson(now) === canonicalJson(recorded);
  return { ...head, replayed: type, same, missing: null };
});

const underPolicy = (release: Release, policy: Policy | null): Release =>
  policy === null ? release : { ...release, request: { ...release.request, policy } };

const contentOf = (event: Decision): object => {
  if ("report" in event) return { report: event.report };
  if (event._tag !== "CanaryBreached") return { evidence: event.evidence };
  const { cause, sentence, since, evidence } = event;
  return { cause, sentence, since, evidence };
};

const outcomeOf = (
  release: Release,
  event: Decision,
  earlier: ReadonlyArray<CanaryWindow>,
): Effect.Effect<Outcome, { readonly message: string }, ArtifactStore> => {
  if ("report" in event)
    return Effect.map(replayGate(release), (report) => ({ type: gateTypes[report.verdict], content: { report } }));
  if (event._tag === "CanaryStepPassed" || event._tag === "CanaryBreached")
    return Effect.catchDefect(
      Effect.suspend(() => canaryOutcome(release, event, earlier)),
      // Steps of another policy may ask for what windows that were taken at other shares cannot say.
      (defect) =>
        Effect.fail({
          message: `its windows cannot be judged by this policy: ${defect instanceof Error ? defect.message : String(defect)}`,
        }),
    );
  return shadowOutcome(release, event);
};

const shadowOutcome = Effect.fnUntraced(function* (
  release: Release,
  { evidence }: ReleaseEventOf<"ShadowPassed" | "ShadowRegressed" | "ShadowInconclusive">,
) {
  const store = yield* ArtifactStore;
  const bytes = yield* store.get(evidence.inputs);
  if (Option.isNone(bytes))
    return yield* Effect.fail({ message: `its inputs (${evidence.inputs}) are not in the artifact store` });
  const inputs = yield* Schema.decodeUnknownEffect(Schema.fromJsonString(ShadowInputs))(
    Buffer.from(bytes.value).toString("utf8"),
  );
  const replay = evaluateShadow(inputs, policyOf(release), evidence.inputs);
  return { type: shadowTypes[replay.decision], content: { evidence: replay.evidence } };
});

const canaryOutcome = (
  release: Release,
  event: ReleaseEventOf<"CanaryStepPassed" | "CanaryBreached">,
  earlier: ReadonlyArray<CanaryWindow>,
): Effect.Effect<Outcome, { readonly message: string }> => {
  const { evidence, step } = event;
  const judged = { ...release, step };
  const evaluation =
    evidence &&
    evaluateCanary(policyOf(release).canary, [...earlier, ...evidence.windows], step, evidence.judgeReport ?? null);
  // What a step waited for until its deadline may have been a fault of seeing, which leaves no evidence: only the record's
  // sentence can tell it. When the deadline was follows from policy and record.
  if (event._tag === "CanaryBreached" && event.cause === "hold-deadline") {
    const since = deadlineOf(judged);
    const type = event.at >= since ? event._tag : WAITS;
    return Effect.succeed({ type, content: { ...contentOf(event), since, evidence: evaluation?.evidence ?? null } });
  }
  if (evidence === null) return Effect.fail({ message: "its evidence was too large for the record" });
  const decision = decideStep({ release: judged, now: event.at, evaluation, fault: null });
  if (decision._tag === "advance")
    return Effect.succeed({ type: "CanaryStepPassed", content: { evidence: decision.evidence } });
  if (decision._tag !== "breach")
    return Effect.succeed({ type: WAITS, content: { evidence: evaluation?.evidence ?? null } });
  const { _tag: _, ...content } = decision;
  return Effect.succeed({ type: "CanaryBreached", content });
};
