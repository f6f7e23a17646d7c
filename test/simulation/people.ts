import { epochMsOf, referenceOf, timestampOf } from "@sluice/contracts";
import type { ReleaseCommand } from "@sluice/release";
import { ReleaseLog } from "@sluice/release-log";
import * as Clock from "effect/Clock";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Schedule from "effect/Schedule";
import type { Random } from "./random.ts";
import { APPLICATION, type Cast, evidenceOf, policy } from "./scenario.ts";

/** CI asks for releases, and operators interfere: each wish is tried until it is carried out or refused. */
export const peopleOf = Effect.fnUntraced(function* (random: Random, cast: Cast, stormSeconds: number) {
  const log = Context.get(yield* Layer.build(ReleaseLog.layer), ReleaseLog);
  const touched = new Set<string>();
  const wishes: Array<{ readonly at: number; readonly command: (at: string) => ReleaseCommand | null }> = [];
  let underway = 0;
  const author = { id: "ada", role: "admin" } as const;
  const active = () => log.applications().get(APPLICATION)?.active ?? null;
  const blocked = () => log.applications().get(APPLICATION)?.blocked[0] ?? null;

  wishes.push({
    at: 0,
    command: (at) => ({
      _tag: "RegisterApplication",
      application: APPLICATION,
      at,
      baseline: referenceOf(cast.baseline.bundle),
      author,
    }),
  });
  cast.candidates.forEach((candidate, i) => {
    const whileActive = random.oneOf(["queue", "queue", "supersede"] as const);
    wishes.push({
      at: 1 + i * (2 + random.upTo(20)),
      command: (at) => ({
        _tag: "RequestRelease",
        application: APPLICATION,
        releaseId: `rel-${i + 1}`,
        at,
        candidate: referenceOf(candidate.bundle),
        policy: policy(whileActive),
        evidence: evidenceOf(log.applications().get(APPLICATION)?.baseline?.digest ?? "", candidate.digest, at),
        author: { id: "ci", role: "ci" },
        team: "support",
        description: "",
        commit: null,
        link: null,
        mergedAt: null,
      }),
    });
  });
  const said = (i: number) => ({ author, reason: "simulated", commandId: `c-${i}` });
  for (let i = 0; i < random.upTo(4); i += 1) {
    const verb = random.oneOf(["PauseRelease", "SkipHold", "AbortRelease", "OverrideGate", "OverrideGate"] as const);
    const at = 3 + random.upTo(25);
    const on = (releaseId: string | undefined, now: string): ReleaseCommand | null => {
      if (releaseId === undefined) return null;
      touched.add(releaseId);
      const one = { application: APPLICATION, releaseId, at: now, ...said(i) };
      const expiresAt = random.chance(0.5) ? timestampOf(epochMsOf(now) + 10_000) : null;
      return verb === "OverrideGate" ? { _tag: verb, ...one, incident: null, expiresAt } : { _tag: verb, ...one };
    };
    wishes.push({ at, command: (now) => on((verb === "OverrideGate" ? blocked() : active())?.releaseId, now) });
    if (verb === "PauseRelease")
      wishes.push({
        at: at + 1 + random.upTo(12),
        command: (now) => {
          const releaseId = active()?.releaseId;
          return releaseId
            ? { _tag: "ResumeRelease", application: APPLICATION, releaseId, at: now, ...said(100 + i) }
            : null;
        },
      });
  }
  // Nobody leaves a release paused for good.
  wishes.push({
    at: stormSeconds + 15,
    command: (now) => {
      const release = active();
      return release?.pausedAt
        ? { _tag: "ResumeRelease", application: APPLICATION, releaseId: release.releaseId, at: now, ...said(999) }
        : null;
    },
  });

  const carryOut = Effect.fnUntraced(function* (command: ReleaseCommand) {
    underway += 1;
    // A bus that is away is asked again; a refusal is an answer.
    yield* Effect.ignore(
      Effect.retry(log.submit(command), {
        while: ({ _tag }) => _tag === "BusError",
        schedule: Schedule.spaced("500 millis"),
      }),
    );
    underway -= 1;
  });
  const second = Effect.fnUntraced(function* (seconds: number) {
    for (const wish of wishes.filter(({ at }) => at === seconds)) {
      const command = wish.command(timestampOf(yield* Clock.currentTimeMillis));
      if (command) yield* Effect.forkChild(carryOut(command));
    }
  });
  return { second, touched, done: () => underway === 0 };
});
