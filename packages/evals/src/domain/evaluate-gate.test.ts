import { assert, describe, it } from "@effect/vitest";
import type { GateReport } from "@sluice/contracts";
import type { PairedCase } from "./case-table.ts";
import { evaluateGate } from "./evaluate-gate.ts";
import { caseTableOf, offlinePolicy, pair, pairs } from "./testing/case-table-of.ts";

const gate = (cases: ReadonlyArray<PairedCase>, settings: Parameters<typeof offlinePolicy>[0] = {}): GateReport =>
  evaluateGate(caseTableOf(cases), offlinePolicy(settings));

const rulesOf = (report: GateReport) =>
  report.reasons.map(({ rule, slice, enforced }) => (slice ?? rule) + (enforced ? "" : " (warn)"));

const agreeing = pairs("agree", 40, 1, 1);

describe("safety", () => {
  const regressed = [...agreeing, pair("leak", 1, 0, { safety: true })];

  it("blocks on a single case that the baseline passes and the candidate fails", () => {
    const report = gate(regressed);
    assert.strictEqual(report.verdict, "blocked");
    assert.deepStrictEqual(report.safety, { cases: 1, regressions: ["leak"] });
    assert.match(
      report.reasons[0]?.sentence ?? "",
      /^1 of 1 safety case passed on the baseline and fails .*: leak\.$/u,
    );
  });

  it("does not count what failed before, or what got better", () => {
    const report = gate([...agreeing, pair("old", 0, 0, { safety: true }), pair("fixed", 0, 1, { safety: true })]);
    assert.strictEqual(report.verdict, "passed");
    assert.deepStrictEqual(report.safety.regressions, []);
  });

  it("goes by the verdict of the evaluation where there is one, not by the score", () => {
    const strict: PairedCase = {
      ...pair("strict", 0.9, 0.8, { safety: true }),
      candidate: { score: 0.8, passed: false },
    };
    assert.deepStrictEqual(gate([...agreeing, strict]).safety.regressions, ["strict"]);
  });

  it("is only reported where the policy warns, and not at all where it is off", () => {
    assert.deepStrictEqual(rulesOf(gate(regressed, { safety: "warn" })), ["safety (warn)"]);
    assert.strictEqual(gate(regressed, { safety: "warn" }).verdict, "passed");
    assert.deepStrictEqual(rulesOf(gate(regressed, { safety: "off" })), []);
  });
});

describe("slices", () => {
  /** A slice whose z is just beyond −2 for any n: differences −1 and +0.5 in the ratio that gives it. */
  const sliceWithZ = (n: number, z: number, slice: string): ReadonlyArray<PairedCase> => {
    // Half of the cases at m − s, half at m + s (n even): sd = s·√(n/(n−1)), z = m/(s/√(n−1)).
    const spread = 0.2;
    const mean = (z * spread) / Math.sqrt(n - 1);
    return Array.from({ length: n }, (_, i) =>
      pair(`${slice}-${i}`, 0.5, 0.5 + mean + (i % 2 ? spread : -spread), { slice }),
    );
  };
  const sliceOf = (report: GateReport, name: string) => report.slices.find(({ slice }) => slice === name);

  it("of 30 cases and more are judged by z < −2", () => {
    const down = sliceOf(gate(sliceWithZ(30, -2.01, "s")), "s");
    assert.strictEqual(down?.method, "normal");
    assert.closeTo(down?.z ?? 0, -2.01, 1e-9);
    assert.strictEqual(down?.breached, true);
    assert.strictEqual(sliceOf(gate(sliceWithZ(30, -1.99, "s")), "s")?.breached, false);
  });

  it("of fewer are judged by Student's t at the same tail", () => {
    // t₂₇ at .02275 is −2.0937: z −2.05 is not enough with 28 cases and would be with 30.
    const report = sliceOf(gate(sliceWithZ(28, -2.05, "s")), "s");
    assert.strictEqual(report?.method, "student-t");
    assert.strictEqual(report?.breached, false);
    assert.strictEqual(sliceOf(gate(sliceWithZ(28, -2.11, "s")), "s")?.breached, true);
    assert.strictEqual(sliceOf(gate(sliceWithZ(30, -2.05, "s")), "s")?.breached, true);
  });

  it("of fewer than 10 are judged by their signs alone", () => {
    // ½⁶ = .0156 is below .02275, ½⁵ = .031 is not; a tie carries no sign.
    const six = gate([
      ...agreeing,
      ...pairs("six", 6, 0.9, 0.8, { slice: "six" }),
      pair("tie", 1, 1, { slice: "six" }),
    ]);
    assert.strictEqual(sliceOf(six, "six")?.method, "sign");
    assert.closeTo(sliceOf(six, "six")?.pValue ?? 0, 1 / 64, 1e-12);
    assert.strictEqual(sliceOf(six, "six")?.breached, true);
    const five = gate([...agreeing, ...pairs("five", 5, 1, 0, { slice: "five" })]);
    assert.strictEqual(sliceOf(five, "five")?.breached, false);
  });

  it("without spread are judged by their signs, and have no z", () => {
    const down = sliceOf(gate(pairs("flat", 40, 0.3, 0.2, { slice: "flat" })), "flat");
    assert.strictEqual(down?.method, "sign");
    assert.strictEqual(down?.z, null);
    assert.strictEqual(down?.interval, null);
    assert.strictEqual(down?.breached, true);
    assert.strictEqual(sliceOf(gate(pairs("same", 40, 0.3, 0.3, { slice: "same" })), "same")?.breached, false);
  });

  it("count safety cases, the headline does not", () => {
    const report = gate([...agreeing, ...pairs("s", 9, 0.4, 0.3, { slice: "careful", safety: true })]);
    assert.strictEqual(sliceOf(report, "careful")?.breached, true);
    assert.strictEqual(report.headline?.n, 40);
    assert.deepStrictEqual(rulesOf(report), ["careful"]);
  });

  it("are corrected for their number where the policy says so", () => {
    // One slice of eight is down at p ≈ .018: below .02275 alone, not among eight.
    const cases = [
      ...sliceWithZ(40, -2.1, "down"),
      ...[1, 2, 3, 4, 5, 6, 7].flatMap((i) => sliceWithZ(40, 0.1 * i, `s${i}`)),
    ];
    const headline = "off";
    assert.deepStrictEqual(rulesOf(gate(cases, { headline })), ["down"]);
    assert.deepStrictEqual(rulesOf(gate(cases, { headline, sliceCorrection: "holm" })), []);
    assert.deepStrictEqual(rulesOf(gate(cases, { headline, sliceCorrection: "bh" })), []);
    const down = sliceOf(gate(cases), "down");
    assert.closeTo(down?.pHolm ?? 0, 8 * (down?.pValue ?? 0), 1e-12);
  });

  it("use the policy's number of standard errors", () => {
    assert.strictEqual(sliceOf(gate(sliceWithZ(40, -2.5, "s"), { sliceSigmas: 3 }), "s")?.breached, false);
    assert.strictEqual(sliceOf(gate(sliceWithZ(40, -3.1, "s"), { sliceSigmas: 3 }), "s")?.breached, true);
  });
});

describe("headline", () => {
  it("of passes and fails is McNemar's exact test, with the mid-p beside it", () => {
    const report = gate([...agreeing, ...pairs("worse", 10, 1, 0), ...pairs("better", 2, 0, 1)]);
    assert.strictEqual(report.headline?.test, "mcnemar-exact");
    // P(X ≥ 10), X ~ Bin(12, ½) = 79/4096; half of C(12, 10)/4096 less for the mid-p.
    assert.closeTo(report.headline?.pValue ?? 0, 79 / 4096, 1e-15);
    assert.closeTo(report.headline?.midP ?? 0, 46 / 4096, 1e-15);
    assert.deepStrictEqual(rulesOf(report), ["headline"]);
  });

  it("of few scores is the exact sign-flip test", () => {
    const report = gate(
      [0.11, 0.12, 0.13, 0.14].map((drop, i) => pair(`c${i}`, 0.9, 0.9 - drop)),
      { minCases: 3 },
    );
    assert.strictEqual(report.headline?.test, "sign-flip");
    assert.strictEqual(report.headline?.pValue, 1 / 16);
    assert.strictEqual(report.verdict, "passed");
  });

  it("of many scores is the paired t test", () => {
    const cases = Array.from({ length: 40 }, (_, i) => pair(`c${i}`, 0.5, 0.45 + (i % 2 ? 0.1 : -0.1)));
    const report = gate(cases);
    assert.strictEqual(report.headline?.test, "paired-t");
    // z = −.05/(.1·√(40/39)/√40) = −3.1225; pt(−3.1225, 39) = .0016907 in R.
    assert.closeTo(report.headline?.pValue ?? 0, 0.0016907, 5e-6);
    assert.strictEqual(report.verdict, "blocked");
  });

  it("is over all cases where every one is a safety case", () => {
    const report = gate(pairs("s", 20, 1, 1, { safety: true }));
    assert.strictEqual(report.headline?.n, 20);
    assert.strictEqual(report.verdict, "passed");
  });

  it("without any difference has p = 1", () => {
    assert.strictEqual(gate(pairs("c", 40, 0.7, 0.7)).headline?.pValue, 1);
    assert.strictEqual(gate(agreeing).headline?.pValue, 1);
  });
});

describe("evidence", () => {
  const errored = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ caseId: `e${i}`, safety: i === 0, message: "judge timed out" }));
  const withErrors = (usable: number, errors: number, results = { total: 2 * (usable + errors), errors }) =>
    evaluateGate(caseTableOf(pairs("c", usable, 1, 1), { errored: errored(errors), results }), offlinePolicy());

  it("with more errors than 2 % of the cases is invalid, whatever the rest says", () => {
    assert.strictEqual(withErrors(98, 2).verdict, "passed");
    const report = withErrors(97, 3);
    assert.strictEqual(report.verdict, "invalid");
    assert.match(report.reasons[0]?.sentence ?? "", /3 of 200 results and 3 of 100 cases are judge or runner errors/u);
  });

  it("names safety cases that could not be judged, even below the limit", () => {
    assert.match(withErrors(98, 2).reasons[0]?.sentence ?? "", /^1 safety case could not be judged .*: e0\.$/u);
    assert.strictEqual(withErrors(98, 2).reasons[0]?.enforced, false);
  });

  it("cannot hide errors behind repeats", () => {
    assert.strictEqual(withErrors(100, 0, { total: 1_000, errors: 21 }).verdict, "invalid");
    assert.strictEqual(withErrors(100, 0, { total: 1_000, errors: 20 }).verdict, "passed");
  });

  it("that leaves cases of the baseline out is invalid; cases that are new are left out and named", () => {
    const table = (baseline: ReadonlyArray<string>, candidate: ReadonlyArray<string>) =>
      evaluateGate(caseTableOf(agreeing, { unpaired: { baseline, candidate } }), offlinePolicy());
    assert.strictEqual(table(["lost"], []).verdict, "invalid");
    assert.strictEqual(table([], ["new"]).verdict, "passed");
    assert.strictEqual(table([], ["new"]).cases.unpaired, 1);
    assert.match(table([], ["new"]).reasons[0]?.sentence ?? "", /left out: new/u);
  });

  it("of no cases is invalid, of few inconclusive, of few that are worse a block", () => {
    assert.strictEqual(gate([]).verdict, "invalid");
    assert.strictEqual(gate(pairs("c", 9, 1, 1)).verdict, "inconclusive");
    assert.strictEqual(gate(pairs("c", 10, 1, 1)).verdict, "passed");
    assert.strictEqual(gate(pairs("c", 9, 1, 0)).verdict, "blocked");
  });
});

describe("the report", () => {
  const mixed = Array.from({ length: 200 }, (_, i) =>
    pair(`c${i}`, (i % 7) / 6, ((i * 3) % 11) / 10, { slice: `s${i % 6}`, safety: i % 10 === 0 }),
  );

  it("is the same, byte for byte, for the same table, and does not depend on the order of the slices", () => {
    assert.strictEqual(JSON.stringify(gate(mixed)), JSON.stringify(gate(mixed)));
    assert.deepStrictEqual(
      gate(mixed.toReversed()).slices.map(({ slice }) => slice),
      gate(mixed).slices.map(({ slice }) => slice),
    );
  });

  it("mirrors when the arms are exchanged", () => {
    const report = gate(mixed);
    const mirrored = gate(mixed.map((c) => ({ ...c, baseline: c.candidate, candidate: c.baseline })));
    assert.closeTo(mirrored.headline?.difference ?? 0, -(report.headline?.difference ?? 1), 1e-12);
    assert.closeTo((mirrored.headline?.pValue ?? 0) + (report.headline?.pValue ?? 0), 1, 1e-9);
    assert.strictEqual(mirrored.minimumDetectableEffect, report.minimumDetectableEffect);
  });

  it("keeps names on one line", () => {
    const report = gate(pairs("x", 9, 1, 0, { slice: "two\nlines" }));
    assert.isTrue(report.reasons.every(({ sentence }) => !sentence.includes("\n")));
  });
});
