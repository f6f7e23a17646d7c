import type { CanaryEvidence, GateReport, RecordedEventBody, ReleaseEvent, ShadowEvidence } from "@sluice/contracts";
import { withMinusSigns } from "@sluice/release/words";
import { percent } from "./words.ts";

export type StageStatus = "passed" | "failed" | "running" | "held" | "overridden" | "waiting" | "skipped";

export interface Stage {
  /** `gate`, `shadow`, `step-0` …, `end`: also the anchor of its evidence. */
  readonly id: string;
  readonly title: string;
  readonly status: StageStatus;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  /** The verdict in a sentence, or what it waits for; null where it was not reached. */
  readonly sentence: string | null;
}

/** What the canary found, and when that was said. */
export interface Look {
  readonly at: string;
  readonly type: ReleaseEvent["_tag"];
  readonly evidence: CanaryEvidence;
}

export interface Story {
  readonly request: Extract<ReleaseEvent, { _tag: "ReleaseRequested" }> | null;
  readonly stages: ReadonlyArray<Stage>;
  readonly gate: { readonly at: string; readonly report: GateReport } | null;
  readonly shadow: { readonly at: string; readonly evidence: ShadowEvidence } | null;
  readonly looks: ReadonlyArray<Look>;
  readonly breach: Extract<ReleaseEvent, { _tag: "CanaryBreached" }> | null;
}

type Tag = ReleaseEvent["_tag"];

/** The release as one way, told by the accepted events of its record. Pure: the same events tell the same story. */
export const storyOf = (recorded: ReadonlyArray<RecordedEventBody>): Story => {
  const events = recorded.filter(({ accepted }) => accepted).map(({ event }) => event);
  const last = <T extends Tag>(...tags: ReadonlyArray<T>) =>
    events.findLast((event): event is Extract<ReleaseEvent, { _tag: T }> => tags.some((tag) => tag === event._tag)) ??
    null;
  const gated = last("OfflineGatePassed", "OfflineGateBlocked", "OfflineGateInconclusive", "OfflineGateInvalid");
  const shadowed = last("ShadowPassed", "ShadowRegressed", "ShadowInconclusive");
  const request = last("ReleaseRequested");
  const end = endOf(events);
  // Blocked or regressed: nothing comes after it, unless the gate is overridden.
  const isStopped =
    end !== null ||
    (shadowed !== null && shadowed._tag !== "ShadowPassed") ||
    isBlocked(gated, last("GateOverridden", "OverrideExpired"));
  const stages = [
    gateStage(request, gated, last("GateOverridden", "OverrideExpired", "OverrideProposed"), end),
    shadowStage(last("ShadowStarted"), shadowed, end, isStopped),
    ...(request?.policy.canary.steps ?? []).map((step, i) => stepStage(events, i, step.share, end, isStopped)),
    end ?? {
      id: "end",
      title: "100 % of users",
      status: isStopped ? ("skipped" as const) : ("waiting" as const),
      startedAt: null,
      endedAt: null,
      sentence: null,
    },
  ];
  return {
    request,
    stages,
    gate: gated && { at: gated.at, report: gated.report },
    shadow: shadowed && { at: shadowed.at, evidence: shadowed.evidence },
    looks: events.flatMap((event) =>
      "evidence" in event && event.evidence !== null && "windows" in event.evidence
        ? [{ at: event.at, type: event._tag, evidence: event.evidence }]
        : [],
    ),
    breach: last("CanaryBreached"),
  };
};

const isBlocked = (
  gated: { readonly report: GateReport } | null,
  overridden: { readonly _tag: "GateOverridden" | "OverrideExpired" } | null,
): boolean => gated !== null && gated.report.verdict !== "passed" && overridden?._tag !== "GateOverridden";

const headlineSentence = (report: GateReport): string => {
  const { headline } = report;
  if (!headline) return `The gate's verdict is ${report.verdict}.`;
  const change = `${percent(headline.baselineMean)} → ${percent(headline.candidateMean)} over ${headline.n} cases`;
  return `No rule is broken: mean score ${change}.`;
};

const gateStage = (
  request: Story["request"],
  gated: Extract<ReleaseEvent, { report: GateReport }> | null,
  overridden: Extract<ReleaseEvent, { _tag: "GateOverridden" | "OverrideExpired" | "OverrideProposed" }> | null,
  end: Stage | null,
): Stage => {
  const base = { id: "gate", title: "Offline gate", startedAt: request?.at ?? null, endedAt: gated?.at ?? null };
  if (!gated)
    return { ...base, status: end || !request ? "skipped" : "running", sentence: end ? null : "Waits for the gate." };
  const { report } = gated;
  if (report.verdict === "passed") return { ...base, status: "passed", sentence: headlineSentence(report) };
  const reasons = report.reasons.filter(({ enforced }) => enforced);
  const more = reasons.length > 1 ? ` (and ${reasons.length - 1} more)` : "";
  const sentence = withMinusSigns(`${reasons[0]?.sentence ?? `The gate's verdict is ${report.verdict}.`}${more}`);
  if (overridden?._tag === "OverrideProposed")
    return {
      ...base,
      status: "failed",
      sentence: `${overridden.author.id} wants it overridden; a second person has to confirm. ${sentence}`,
    };
  if (overridden?._tag !== "GateOverridden")
    return { ...base, status: "failed", sentence: overridden ? `Its override’s time is over. ${sentence}` : sentence };
  return {
    ...base,
    status: "overridden",
    sentence: `Overridden by ${overridden.author.id}: ${overridden.reason} — ${sentence}`,
  };
};

const shadowStage = (
  started: Extract<ReleaseEvent, { _tag: "ShadowStarted" }> | null,
  shadowed: Extract<ReleaseEvent, { evidence: ShadowEvidence }> | null,
  end: Stage | null,
  isStopped: boolean,
): Stage => {
  const base = { id: "shadow", title: "Shadow", startedAt: started?.at ?? null, endedAt: shadowed?.at ?? null };
  if (shadowed)
    return {
      ...base,
      status: shadowed._tag === "ShadowPassed" ? "passed" : "failed",
      sentence: withMinusSigns(shadowed.evidence.sentence),
    };
  if (!started) return { ...base, status: isStopped ? "skipped" : "waiting", sentence: null };
  if (end)
    return {
      ...base,
      status: "skipped",
      endedAt: end.endedAt,
      sentence: "The release ended before there was a verdict.",
    };
  return {
    ...base,
    status: "running",
    sentence: `${percent(started.sampleRate)} of the baseline's requests are copied to the candidate; users see the baseline's answers.`,
  };
};

const stepStage = (
  events: ReadonlyArray<ReleaseEvent>,
  step: number,
  share: number,
  end: Stage | null,
  isStopped: boolean,
): Stage => {
  const ofStep = events.filter((event) => "step" in event && event.step === step);
  const find = <T extends Tag>(tag: T) =>
    ofStep.findLast((event): event is Extract<ReleaseEvent, { _tag: T }> => event._tag === tag);
  const started = find("CanaryStepStarted");
  const passed = find("CanaryStepPassed");
  const breached = find("CanaryBreached");
  const base = { id: `step-${step}`, title: `Canary ${percent(share)}`, startedAt: started?.at ?? null };
  if (breached) return { ...base, status: "failed", endedAt: breached.at, sentence: withMinusSigns(breached.sentence) };
  if (passed)
    return { ...base, status: "passed", endedAt: passed.at, sentence: withMinusSigns(passed.evidence.sentence) };
  if (!started) return { ...base, status: isStopped ? "skipped" : "waiting", endedAt: null, sentence: null };
  if (end) return { ...base, status: "skipped", endedAt: end.endedAt, sentence: "The release ended during this step." };
  const held = ofStep.findLast(({ _tag }) => _tag === "CanaryHeld" || _tag === "CanaryHoldEnded");
  if (held?._tag === "CanaryHeld")
    return {
      ...base,
      status: "held",
      endedAt: null,
      sentence: `Held (${held.cause}): waits for ${held.waitsFor} until ${held.until}, then it is rolled back.`,
    };
  return { ...base, status: "running", endedAt: null, sentence: `${percent(share)} of users are on the candidate.` };
};

const endOf = (events: ReadonlyArray<ReleaseEvent>): Stage | null => {
  const base = { id: "end", startedAt: null };
  for (const event of events.toReversed()) {
    const at = { ...base, endedAt: event.at };
    switch (event._tag) {
      case "ReleaseCompleted":
        return { ...at, title: "Completed", status: "passed", sentence: "The candidate is the new baseline." };
      case "ReleaseRolledBack":
        return { ...at, title: "Rolled back", status: "failed", sentence: event.sentence };
      case "ReleaseAborted":
        return { ...at, title: "Aborted", status: "failed", sentence: `By ${event.author.id}: ${event.reason}` };
      case "BaselineRolledBack":
        return {
          ...at,
          title: "Ended by a rollback",
          status: "failed",
          sentence: `By ${event.author.id}: ${event.reason}`,
        };
      default:
    }
  }
  return null;
};
