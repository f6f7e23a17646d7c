import type { ReleasePhase, ReleaseState } from "@sluice/contracts";

/** How urgently somebody is needed, most urgent first. */
export const urgencies = ["wrong", "held", "stopped", "moving", "quiet"] as const;
export type Urgency = (typeof urgencies)[number];

export interface Standing {
  readonly urgency: Urgency;
  /** One or two words, the same everywhere. */
  readonly label: string;
  /** What it waits for, in a sentence; null when for nothing. */
  readonly waitsFor: string | null;
  /** Since when. */
  readonly since: string;
  /** The release that this is about. */
  readonly releaseId: string | null;
}

/** A release that ended badly wants somebody's eyes for a day; then it is history. */
const FRESH_MS = 86_400_000;

const endings: { readonly [P in ReleasePhase]?: readonly [label: string, urgency: Urgency, waitsFor: string] } = {
  blocked: ["Blocked", "stopped", "its author to mend it, or an approver to override the gate"],
  inconclusive: ["Inconclusive", "stopped", "its author: there was too little evidence to decide"],
  regressed: ["Regressed", "stopped", "its author: the candidate was worse in shadow"],
  "rolled-back": ["Rolled back", "stopped", "its author: the candidate failed in the canary"],
};

/** Where an application stands, seen by somebody who asks whether they are needed. */
export const standingOf = (state: ReleaseState, nowMs: number): Standing => {
  const { active, last, freezes = [], pages = [] } = state;
  const undelivered = pages.find((page) => page.sentAt === null && page.undelivered !== null);
  if (undelivered)
    return {
      urgency: "wrong",
      label: "Page not sent",
      waitsFor: `a channel that takes the page: ${undelivered.undelivered}`,
      since: undelivered.at,
      releaseId: undelivered.releaseId,
    };
  const stop = freezes.find((freeze) => freeze.stop);
  const freeze = stop ?? freezes[0];
  if (freeze && (stop || active) && active?.phase !== "breached")
    return {
      urgency: "held",
      label: stop ? "Stopped" : "Frozen",
      waitsFor: `${freeze.until === null ? "somebody to lift it" : `it to end at ${freeze.until}`} (${freeze.author?.id ?? "by policy"}: ${freeze.reason})`,
      since: freeze.since,
      releaseId: active?.releaseId ?? last?.releaseId ?? null,
    };
  if (active) {
    const { releaseId, since, waitsFor } = active;
    const at = (urgency: Urgency, label: string): Standing => ({ urgency, label, waitsFor, since, releaseId });
    if (active.phase === "breached") return at("wrong", "Breach");
    if (active.paused) return at("held", "Paused");
    if (active.hold) return at("held", "Held");
    return at("moving", phaseLabel(active.phase));
  }
  const ending = last && endings[last.phase];
  if (last && ending && nowMs - Date.parse(last.at) < FRESH_MS)
    return { urgency: ending[1], label: ending[0], waitsFor: ending[2], since: last.at, releaseId: last.releaseId };
  return {
    urgency: "quiet",
    label: "Serving",
    waitsFor: null,
    since: last?.at ?? state.at,
    releaseId: last?.releaseId ?? null,
  };
};

const labels: { readonly [P in ReleasePhase]: string } = {
  queued: "Queued",
  requested: "Gate",
  "gate-passed": "Gate passed",
  shadow: "Shadow",
  "shadow-passed": "Shadow passed",
  canary: "Canary",
  breached: "Breach",
  blocked: "Blocked",
  regressed: "Regressed",
  inconclusive: "Inconclusive",
  "rolled-back": "Rolled back",
  aborted: "Aborted",
  superseded: "Superseded",
  completed: "Completed",
};
export const phaseLabel = (phase: ReleasePhase): string => labels[phase];

export const phaseUrgency = (phase: ReleasePhase): Urgency => {
  if (phase === "breached") return "wrong";
  if (phase in endings || phase === "aborted") return "stopped";
  if (phase === "completed" || phase === "superseded") return "quiet";
  return "moving";
};

export interface Row {
  readonly state: ReleaseState;
  readonly standing: Standing;
}

/** What needs a person comes first; within that, what has waited longest. Quiet applications by name. */
export const byUrgency = (states: Iterable<ReleaseState>, nowMs: number): ReadonlyArray<Row> =>
  [...states]
    .map((state) => ({ state, standing: standingOf(state, nowMs) }))
    .sort((a, b) => {
      const rank = urgencies.indexOf(a.standing.urgency) - urgencies.indexOf(b.standing.urgency);
      if (rank !== 0) return rank;
      const age = a.standing.urgency === "quiet" ? 0 : a.standing.since.localeCompare(b.standing.since);
      return age || a.state.application.localeCompare(b.state.application);
    });
