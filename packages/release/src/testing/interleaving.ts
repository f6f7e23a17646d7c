import type { ReleaseEvent, ReleaseEventOf } from "@sluice/contracts";
import * as Result from "effect/Result";
import { type ApplicationState, initialState, type Release } from "../application-state.ts";
import type { ReleaseCommand } from "../command.ts";
import { decide } from "../decide.ts";
import { foldEvent } from "../fold.ts";
import { overrideEndsAt } from "../override-gate.ts";
import { at, author, bundle, canaryEvidence, commands, dedupKeyOf, event, gateReport, policyWith } from "./samples.ts";

/** One thing that happens in a world of several services that decide on what they know and publish when they can. */
interface Move {
  readonly application: number;
  readonly release: number;
  /** What is asked for: see `commandOf`. */
  readonly verb: number;
  /** How many events the one who decides lags behind. */
  readonly lag: number;
  /** How many moves its events take to reach the log. */
  readonly delay: number;
  /** How often each of them reaches the log. */
  readonly copies: number;
}

const limits: Move = { application: 1, release: 3, verb: 59, lag: 3, delay: 3, copies: 2 };

const [queues, supersedes, rejects] = (["queue", "supersede", "reject"] as const).map((whileActive) =>
  policyWith(whileActive),
);
const policies = [
  queues,
  { ...policyWith("queue"), override: { approvals: 2, incidentRequired: false, maxDurationSeconds: null } },
  supersedes,
  rejects,
] as const;
const bundles = ["old", "new", "newer", "newest"].map(bundle);
const applications = ["support-bot", "search-bot"];
const SECONDS_PER_MOVE = 31;

/** A small generator with a seed (mulberry32): the same seed gives the same moves on every machine. */
const randomOf = (seed: number) => {
  let state = seed;
  return (maximum: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % (maximum + 1);
  };
};

const movesOf = (seed: number): ReadonlyArray<Move> => {
  const random = randomOf(seed);
  return Array.from({ length: 20 + random(60) }, () => ({
    application: random(limits.application),
    release: random(limits.release),
    verb: random(limits.verb),
    lag: random(1) * random(limits.lag),
    delay: random(1) * random(limits.delay),
    copies: random(limits.copies),
  }));
};

/**
 * Checks a property on the logs of `runs` seeds. A failing one is made as short as leaving out moves can make it, and
 * told by its seed and its events.
 */
export const forAllInterleavings = (runs: number, property: (log: ReadonlyArray<ReleaseEvent>) => void): void => {
  const failureOf = (moves: ReadonlyArray<Move>): unknown => {
    try {
      property(logOf(moves));
      return null;
    } catch (error) {
      return error;
    }
  };
  for (let seed = 1; seed <= runs; seed += 1) {
    let moves = movesOf(seed);
    if (failureOf(moves) === null) continue;
    for (let i = moves.length - 1; i >= 0; i -= 1) {
      const shorter = moves.toSpliced(i, 1);
      if (failureOf(shorter) !== null) moves = shorter;
    }
    const events = logOf(moves).map((one) => `${one._tag}${"releaseId" in one ? `(${one.releaseId})` : ""}`);
    throw new Error(`seed ${seed}: ${String(failureOf(moves))}\nafter ${events.join(", ")}`);
  }
};

/**
 * The log that the moves lead to: decisions on stale states, delayed, repeated, and overtaken by others. Some events come
 * from nobody's decision at all, because the fold must stand that too.
 */
const logOf = (moves: ReadonlyArray<Move>): ReadonlyArray<ReleaseEvent> => {
  const log: Array<ReleaseEvent> = [];
  const pasts = applications.map((application) => [initialState(application)]);
  const underway: Array<{ readonly due: number; readonly event: ReleaseEvent }> = [];

  const deliver = (now: number) => {
    const arrived = underway.filter(({ due }) => due <= now).sort((a, b) => a.due - b.due);
    underway.splice(0, underway.length, ...underway.filter(({ due }) => due > now));
    for (const { event: one } of arrived) {
      const past = pasts[applications.indexOf(one.application)] ?? [];
      const { state, refusal } = foldEvent(new Map(past.slice(-1).map((s) => [s.application, s])), one);
      if (!refusal) past.push(state);
      log.push(one);
    }
  };

  moves.forEach((move, now) => {
    const past = pasts[move.application] ?? [];
    const known = past.at(-1 - Math.min(move.lag, past.length - 1)) ?? initialState("nobody");
    for (const one of eventsOf(known, move, now))
      for (let copy = 0; copy <= Math.max(0, move.copies - 1); copy += 1)
        underway.push({ due: now + move.delay * (copy + 1), event: one });
    deliver(now);
  });
  deliver(Number.POSITIVE_INFINITY);
  return log;
};

const eventsOf = (known: ApplicationState, move: Move, now: number): ReadonlyArray<ReleaseEvent> => {
  if (!known.baseline && move.verb % 3 > 0) return decided(known, register(known.application, now));
  if (move.verb >= 56) return [rogue(known, move, now)];
  return decided(known, commandOf(known, move, now));
};

const decided = (known: ApplicationState, command: ReleaseCommand) =>
  Result.getOrElse(decide(known, command), () => []);

const register = (application: string, now: number) => ({
  ...commands.RegisterApplication,
  application,
  at: at(now * SECONDS_PER_MOVE),
});

const commandOf = (known: ApplicationState, move: Move, now: number): ReleaseCommand => {
  const head = { application: known.application, at: at(now * SECONDS_PER_MOVE) };
  const chosen = { ...head, releaseId: `rel-${move.release}` };
  const open = [known.active, ...known.queue, ...known.blocked][move.release % 3] ?? known.active;
  const active = { ...head, releaseId: known.active?.releaseId ?? chosen.releaseId };
  const said = { author: author("admin"), reason: "decided by a person", commandId: `c-${now}` };
  const page = known.pages[0];
  const dedupKey = page?.dedupKey ?? dedupKeyOf(chosen.releaseId, known.application);
  const ofPage = { ...head, releaseId: page?.releaseId ?? chosen.releaseId, dedupKey };
  switch (move.verb) {
    case 0:
    case 1:
    case 2:
    case 3:
      return request(chosen, move, now);
    case 4:
      return { ...commands.AbortRelease, ...active, ...said, releaseId: open?.releaseId ?? chosen.releaseId };
    case 5:
      return { ...commands.RollBackBaseline, ...head, ...said, to: bundles[move.release]?.digest ?? "" };
    case 6:
      return { ...commands.PauseRelease, ...active, ...said };
    case 7:
      return { ...commands.ResumeRelease, ...active, ...said };
    case 8:
      return { ...commands.SkipHold, ...active, ...said };
    case 9:
      return { ...commands.HoldCanary, ...active };
    case 10:
      return { ...commands.BreachCanary, ...active };
    case 11:
    case 25:
      return { ...commands.RecordGateReport, ...active, report: gateReport("blocked") };
    case 12:
    case 24:
      return {
        ...commands.OverrideGate,
        ...chosen,
        ...said,
        author: { ...said.author, id: ["ada", "ben"][move.copies % 2] ?? "ada" },
        releaseId: known.blocked[0]?.releaseId ?? chosen.releaseId,
        expiresAt: move.release % 2 === 0 ? at((now + 2) * SECONDS_PER_MOVE) : null,
      };
    case 13:
      return { ...commands.RecordShadowVerdict, ...active, verdict: move.release % 2 ? "regressed" : "inconclusive" };
    case 14:
      return { ...commands.ConfirmMitigation, ...active };
    case 15:
      return { ...commands.RecordPageSent, ...ofPage };
    case 16:
    case 17:
      return { ...commands.RecordPageResolved, ...ofPage };
    case 18:
      return { ...commands.FreezeReleases, ...head, ...said, freezeId: `freeze-${now}` };
    case 19:
      return { ...commands.StopReleases, ...head, ...said, freezeId: `stop-${now}` };
    case 20:
    case 21:
      return { ...commands.LiftFreeze, ...head, ...said, freezeId: known.freezes[0]?.freezeId ?? "none" };
    case 22:
      return { ...commands.RecordPageUndelivered, ...ofPage };
    case 23:
      return { ...commands.RecordNoticeSent, ...ofNotice(known, ofPage) };
    case 26:
      return { ...commands.RequestErasure, ...head, ...said, erasureId: `erasure-${now}` };
    case 27:
      return { ...commands.ConcludeErasure, ...head, erasureId: known.erasures.at(-1)?.erasureId ?? "none" };
    default: {
      const [freeze] = known.freezes;
      if (freeze && move.verb > 40) return { ...commands.LiftFreeze, ...head, ...said, freezeId: freeze.freezeId };
      return forward(known.active, active) ?? request(chosen, move, now);
    }
  }
};

const ofNotice = ({ notices: [notice] }: ApplicationState, otherwise: typeof commands.RecordNoticeSent | object) => ({
  ...commands.RecordNoticeSent,
  ...otherwise,
  ...(notice && { releaseId: notice.releaseId, dedupKey: notice.dedupKey }),
});

const request = (chosen: { releaseId: string; application: string; at: string }, move: Move, now: number) => ({
  ...commands.RequestRelease,
  ...chosen,
  // The same id is asked for again now and then, at times for another bundle.
  releaseId: `${chosen.releaseId}-${Math.floor(now / 12)}`,
  candidate: bundles[(move.release + now) % bundles.length] ?? bundle("new"),
  policy: policies[move.release] ?? policyWith("queue"),
});

/** What the services would do next with an active release: most moves, so that sequences get far. */
const forward = (release: Release | null, head: { releaseId: string; application: string; at: string }) => {
  if (release?.pausedAt) return { ...commands.ResumeRelease, ...head, commandId: `resume-${release.pausedAt}` };
  const overrideEnds = release && overrideEndsAt(release);
  if (overrideEnds && overrideEnds <= head.at) return { ...commands.ExpireOverride, ...head };
  switch (release?.phase) {
    case "requested":
      return { ...commands.RecordGateReport, ...head };
    case "gate-passed":
      return { ...commands.StartShadow, ...head };
    case "shadow":
      return { ...commands.RecordShadowVerdict, ...head };
    case "shadow-passed":
      return { ...commands.StartCanary, ...head };
    case "canary":
      if (release.hold) return { ...commands.EndHold, ...head };
      return { ...commands.AdvanceCanary, ...head, evidence: canaryEvidence(release.step ?? 0) };
    case "breached":
      return { ...commands.RollBackRelease, ...head };
    default:
      return null;
  }
};

/** Events that no decision led to. */
const rogue = (known: ApplicationState, move: Move, now: number): ReleaseEvent => {
  const releaseId = known.active?.releaseId ?? `rel-${move.release}`;
  const head = {
    application: known.application,
    releaseId,
    at: at(now * SECONDS_PER_MOVE),
    eventId: `rogue-event-${now}`,
  };
  const step = move.release % 3;
  const started: Partial<ReleaseEventOf<"CanaryStepStarted">> = { ...head, step, share: [0.01, 0.25, 1][step] ?? 1 };
  return [
    event("CanaryStepStarted", started),
    event("CanaryStepPassed", { ...head, step }),
    event("ShadowPassed", head),
    event("ReleaseCompleted", head),
    event("CanaryHoldEnded", { ...head, step }),
  ][(move.verb - 56 + move.release) % 5] as ReleaseEvent;
};
