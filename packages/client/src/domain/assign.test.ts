import { readFileSync } from "node:fs";
import { type Bundle, type ReleaseState, referenceOf } from "@sluice/contracts";
import { describe, expect, it } from "vitest";
import { assign } from "./assign.ts";
import { type Snapshot, takesTrafficAway } from "./snapshot.ts";

const bundle = (prompt: string): Bundle => ({
  prompt: { kind: "prompt", messages: [{ role: "system", content: prompt }] },
  model: { kind: "model", provider: "p", model: "m", parameters: {} },
});
const baseline = referenceOf(bundle("old"));
const candidate = referenceOf(bundle("new"));
const NOW = 1_000_000;

const snapshotOf = (
  share: number,
  releaseId = "release-1",
  phase: "canary" | "shadow" | "requested" = "canary",
): Snapshot => ({
  version: 1,
  state: {
    _tag: "ReleaseStateChanged",
    application: "support-bot",
    version: 7,
    at: "2026-01-01T00:00:00.000Z",
    baseline,
    active: {
      releaseId,
      candidate: candidate.digest,
      phase,
      step: 0,
      share,
      paused: false,
      overridden: false,
      since: "2026-01-01T00:00:00.000Z",
      waitsFor: null,
    },
    queued: [],
    last: null,
  },
  bundles: { [baseline.digest]: bundle("old"), [candidate.digest]: bundle("new") },
  heardAtMs: NOW,
});
const rules = { clusterKeySecret: "s", maxUnwatchedMs: 60_000 };
const of = (snapshot: Snapshot | null, user = "jane", nowMs = NOW) =>
  assign(snapshot, "memory", { conversation: undefined, user, request: "r-1" }, rules, nowMs);

describe("assignment in a client", () => {
  it("is the gateway's: every committed parity vector gives the same arm", () => {
    const { arms }: { arms: Array<{ salt: string; share: number; key: string; arm: string }> } = JSON.parse(
      readFileSync(new URL("../../../assignment/vectors/assignment.json", import.meta.url), "utf8"),
    );
    expect(arms.length).toBeGreaterThan(10);
    for (const { salt, share, key, arm } of arms) expect(of(snapshotOf(share, salt), key).arm).toBe(arm);
  });

  it("gives the arm's contents, the release and a key that hides the user", () => {
    expect(of(snapshotOf(1))).toMatchObject({
      arm: "candidate",
      releaseId: "release-1",
      bundle: { digest: candidate.digest, bundle: bundle("new") },
      withheld: false,
    });
    expect(of(snapshotOf(0))).toMatchObject({
      arm: "baseline",
      releaseId: "release-1",
      bundle: { digest: baseline.digest },
    });
    expect(of(snapshotOf(1)).clusterKey).toMatch(/^[0-9a-f]{32}$/);
  });

  it("has no candidate before its shadow", () => {
    expect(of(snapshotOf(1, "release-1", "requested"))).toMatchObject({ arm: "baseline", releaseId: null });
    expect(of(snapshotOf(0, "release-1", "shadow"))).toMatchObject({ arm: "baseline", releaseId: "release-1" });
  });

  it("takes a candidate that nobody watches, or whose contents are missing, out of traffic and out of the comparison", () => {
    expect(of(snapshotOf(1), "jane", NOW + 60_000).arm).toBe("candidate");
    const withheld = { arm: "baseline", releaseId: null, bundle: { digest: baseline.digest }, withheld: true };
    expect(of(snapshotOf(1), "jane", NOW + 60_001)).toMatchObject(withheld);
    expect(of({ ...snapshotOf(1), bundles: { [baseline.digest]: bundle("old") } })).toMatchObject(withheld);
  });

  it("leaves it to the caller's default where nothing is known", () => {
    const unknown = { arm: "baseline", bundle: null, source: "default", releaseId: null };
    expect(of(null)).toMatchObject(unknown);
    expect(of({ ...snapshotOf(0), bundles: {} })).toMatchObject(unknown);
  });
});

describe("a newer state", () => {
  const withShare = (share: number | null): ReleaseState =>
    share === null ? { ...snapshotOf(0).state, active: null } : snapshotOf(share).state;
  it.each([
    [0.25, 0.01, true],
    [0.25, null, true],
    [0.05, 0.25, false],
    [0, null, false],
    [null, 0.01, false],
  ])("of share %s → %s takes users away: %s", (before, after, takes) => {
    expect(takesTrafficAway(withShare(before), withShare(after))).toBe(takes);
  });
});
