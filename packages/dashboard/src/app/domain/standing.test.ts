import type { ReleasePhase, ReleaseState } from "@sluice/contracts";
import { describe, expect, it } from "vitest";
import { byUrgency, standingOf } from "./standing.ts";

const now = Date.parse("2026-03-09T12:00:00.000Z");
type Active = NonNullable<ReleaseState["active"]>;

const state = (
  application: string,
  active: Partial<Active> | null,
  last: [ReleasePhase, string] | null = null,
): ReleaseState => ({
  _tag: "ReleaseStateChanged",
  application,
  version: 1,
  at: "2026-03-09T00:00:00.000Z",
  baseline: null,
  active: active && {
    releaseId: "rel-1",
    candidate: `sha256:${"0".repeat(64)}`,
    phase: "canary",
    step: 0,
    share: 0.01,
    paused: false,
    overridden: false,
    since: "2026-03-09T11:00:00.000Z",
    waitsFor: "the hold",
    ...active,
  },
  queued: [],
  last: last && { releaseId: "rel-0", phase: last[0], at: last[1] },
});

describe("where an application stands", () => {
  const hold = { cause: "no-data", until: "2026-03-09T15:00:00.000Z" } as const;
  it.each([
    ["a breach", state("a", { phase: "breached", paused: true }), "wrong", "Breach"],
    ["a pause", state("a", { paused: true, hold }), "held", "Paused"],
    ["a hold", state("a", { hold }), "held", "Held"],
    ["a canary", state("a", {}), "moving", "Canary"],
    [
      "a release that goes on after another was blocked",
      state("a", {}, ["blocked", "2026-03-09T10:00:00.000Z"]),
      "moving",
      "Canary",
    ],
    ["a block of today", state("a", null, ["blocked", "2026-03-09T10:00:00.000Z"]), "stopped", "Blocked"],
    ["a block of last week", state("a", null, ["blocked", "2026-03-02T10:00:00.000Z"]), "quiet", "Serving"],
    ["a release at 100 %", state("a", null, ["completed", "2026-03-09T10:00:00.000Z"]), "quiet", "Serving"],
    ["an abort, which somebody wanted", state("a", null, ["aborted", "2026-03-09T10:00:00.000Z"]), "quiet", "Serving"],
  ] as const)("%s", (_, at, urgency, label) => expect(standingOf(at, now)).toMatchObject({ urgency, label }));

  it("what needs somebody comes first, and what has waited longest before that", () => {
    const rows = byUrgency(
      [
        state("quiet-b", null),
        state("quiet-a", null),
        state("moving", {}),
        state("held-new", { paused: true, since: "2026-03-09T11:59:00.000Z" }),
        state("held-old", { paused: true, since: "2026-03-08T11:59:00.000Z" }),
        state("wrong", { phase: "breached" }),
      ],
      now,
    );
    expect(rows.map((row) => row.state.application)).toEqual([
      "wrong",
      "held-old",
      "held-new",
      "moving",
      "quiet-a",
      "quiet-b",
    ]);
  });
});
