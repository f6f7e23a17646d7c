import { beforeAll, describe, expect, it } from "vitest";
import { sluice } from "../support/sluice-process.ts";

interface Summary {
  readonly outcomes: ReadonlyArray<{ title: string; releaseId: string; phases: ReadonlyArray<string> }>;
  readonly pages: ReadonlyArray<{ action: string; dedupKey: string; releaseId: string; summary: string }>;
  readonly audit: { rows: number; faults: ReadonlyArray<unknown> };
  readonly proofs: { passports: { releases: number; hold: number }; replay: { decisions: number; same: number } };
  readonly kpis: Readonly<Record<string, ReadonlyArray<Record<string, unknown>>>>;
  readonly users: ReadonlyArray<{ sent: number; failed: number; byArm: Record<string, number> }>;
}

// One run of the whole pipeline over real HTTP; each promise of the demo is then looked up in what it reports.
describe("sluice demo", () => {
  let summary: Summary;

  beforeAll(async () => {
    const ended = await sluice(["demo", "--json"]);
    expect(ended.code, ended.stderr).toBe(0);
    summary = JSON.parse(ended.stdout);
  }, 240_000);

  const release = (title: RegExp) => {
    const found = summary.outcomes.find((outcome) => title.test(outcome.title));
    if (!found) throw new Error(`no release ${title}`);
    return found;
  };

  it("takes a better model to 100 %", () => {
    expect(release(/better model/).phases).toEqual(["completed"]);
  });

  it("blocks a worse prompt offline", () => {
    expect(release(/brevity/).phases).toEqual(["blocked"]);
  });

  it("stops in shadow what the eval set could not see", () => {
    expect(release(/too narrow/).phases).toEqual(["regressed"]);
  });

  it("rolls back at a canary step what the shadow could not see, and pages once", () => {
    const { releaseId, phases } = release(/quota/);
    expect(phases).toEqual(["rolled-back"]);
    const triggers = summary.pages.filter((page) => page.action === "trigger");
    expect(triggers.map((page) => page.releaseId)).toEqual([releaseId]);
    expect(triggers[0]?.summary).toMatch(/error rate is \d+/);
    expect(summary.pages.filter((page) => page.action === "resolve").map((page) => page.dedupKey)).toEqual(
      triggers.map((page) => page.dedupKey),
    );
  });

  it("lets an approver override a block, and counts it for the team and month", () => {
    expect(release(/fax/).phases).toEqual(["blocked", "completed"]);
    expect(summary.kpis.kpi_overrides?.filter((row) => row.overridden === 1).map((row) => row.team)).toEqual([
      "retail",
    ]);
  });

  it("leaves an unbroken record and KPIs from it", () => {
    expect(summary.audit.faults).toEqual([]);
    expect(summary.audit.rows).toBeGreaterThan(40);
    expect(summary.kpis.kpi_lead_time?.map((row) => row.application).sort()).toEqual(["branch-office", "support-bot"]);
    expect(summary.kpis.kpi_rollbacks?.filter((row) => row.rolled_back === 1).map((row) => row.application)).toEqual([
      "order-desk",
    ]);
    expect(summary.kpis.kpi_shadow_regressions?.filter((row) => row.regressed === 1)).toHaveLength(1);
  });

  it("leaves decisions that come out the same from the record alone, and passports that hold without the registry", () => {
    const { passports, replay } = summary.proofs;
    expect(passports).toEqual({ releases: 5, hold: 5 });
    expect(replay.decisions).toBeGreaterThan(15);
    expect(replay.same).toBe(replay.decisions);
  });

  it("costs its users little: the blocked and the regressed candidate never served one, the others failed a few", () => {
    const sent = summary.users.reduce((sum, tally) => sum + tally.sent, 0);
    const failed = summary.users.reduce((sum, tally) => sum + tally.failed, 0);
    expect(sent).toBeGreaterThan(3_000);
    // The simulated baseline itself fails 0.2 % of its requests; the rest is what the 25 % step of the quota cost.
    expect(failed / sent).toBeLessThan(0.02);
  });
});
