import type { CanaryWindow, CaseResultLine, Policy, ShadowInputs } from "@sluice/contracts";
import { stratifiedRates } from "@sluice/statistics";
import { describe, expect, it } from "vitest";
import { armSeries, differenceSeries, latencyQuantile, windowsOf } from "./canary-series.ts";
import { agreementOf, shadowSeries } from "./shadow-series.ts";
import { comparedCases, resultLines } from "./worst-cases.ts";

const arm = (requests: number, errors: number) => ({
  requests,
  conversations: requests,
  errors,
  answered: requests - errors,
  refusals: 0,
  latencyBins: [] as ReadonlyArray<readonly [number, number]>,
  quality: { n: 0, sum: 0, sumSquares: 0 },
  wrongDigest: 0,
});
const window = (minute: number, step: number, errors: number): CanaryWindow => ({
  from: new Date(Date.UTC(2026, 2, 9, 10, minute)).toISOString(),
  step,
  share: 0.5,
  baseline: arm(500, 5),
  candidate: arm(500, errors),
  probes: { sent: 0, failed: 0, confirmed: [] },
});
const rate = { marginOddsRatio: 1 };
const metrics = { errorRate: rate, refusalRate: rate, quality: { margin: 0 } } as Policy["canary"]["metrics"];

describe("the canary's series", () => {
  it("have each window once, in the order of time, however often decisions repeat it", () => {
    const look = (windows: ReadonlyArray<CanaryWindow>) => ({ evidence: { windows } }) as never;
    const windows = windowsOf([look([window(2, 1, 5)]), look([window(1, 0, 5), window(2, 1, 5)])]);
    expect(windows.map(({ from }) => from.slice(14, 16))).toEqual(["01", "02"]);
    expect(armSeries("errorRate", windows).candidate).toEqual([0.01, 0.01]);
    expect(armSeries("quality", windows).baseline).toEqual([null, null]);
  });

  it("find what the controller's function finds, and begin the interval anew in each step", () => {
    const windows = [window(1, 0, 5), window(2, 0, 60), window(3, 1, 60)];
    const series = differenceSeries("errorRate", metrics, windows);
    const counts = (errors: number) => ({ baseline: { n: 500, events: 5 }, candidate: { n: 500, events: errors } });
    const whole = [5, 60, 60].reduce(
      (state, errors) => stratifiedRates.update(state, counts(errors)),
      stratifiedRates.initial({ psi0: 1 }),
    );
    expect(series.logE?.at(-1)).toBeCloseTo(stratifiedRates.evidence(whole).logE, 12);
    expect(series.difference.at(-1)).toBeCloseTo(0.11, 2);
    expect(series.difference[1]).toBeCloseTo(0.055, 2);
    expect(series.low[1]).toBeLessThan(series.difference[1] ?? 0);
  });

  it("follow the difference of p95 with bounds that close as the step goes on, and begin anew in the next one", () => {
    const timed = (minute: number, step: number, slow: number): CanaryWindow => {
      const counted = window(minute, step, 0);
      const bins = (first: number) => ({
        ...arm(400, 0),
        latencyBins: Array.from({ length: 40 }, (_, i) => [first + i, 10] as const),
      });
      return { ...counted, baseline: bins(80), candidate: bins(80 + slow) };
    };
    const windows = Array.from({ length: 12 }, (_, i) => timed(i, Math.floor(i / 6), i < 6 ? 0 : 20));
    const { difference, low, high, logE } = differenceSeries("latencyP95", metrics, windows);
    expect(logE).toBeNull();
    expect(difference[5]).toBe(0);
    // 95 % of 40 bins is the 38th.
    expect(difference[11]).toBeCloseTo(1.04 ** 137 - 1.04 ** 117, 6);
    expect(low[5]).toBeLessThan(0);
    expect(high[5]).toBeGreaterThan(0);
    // Slower beyond doubt.
    expect(low[11]).toBeGreaterThan(0);
    const width = (i: number) => (high[i] ?? 0) - (low[i] ?? 0);
    expect(width(11)).toBeLessThan(width(6));
  });

  it("read a quantile off the histogram", () => {
    expect(latencyQuantile([], 0.95)).toBeNull();
    expect(
      latencyQuantile(
        [
          [200, 5],
          [100, 95],
        ],
        0.95,
      ),
    ).toBeCloseTo(1.04 ** 100, 6);
    expect(
      latencyQuantile(
        [
          [100, 94],
          [200, 6],
        ],
        0.95,
      ),
    ).toBeCloseTo(1.04 ** 200, 6);
  });
});

describe("the shadow's series", () => {
  const scores = Array.from({ length: 400 }, (_, i) => [0.9, i % 4 === 0 ? 0.5 : 0.9] as const);
  const inputs = { scores } as unknown as ShadowInputs;
  it("ends where the decision was made, with a bounded number of points", () => {
    const points = shadowSeries(inputs, { margin: 0 } as Policy["shadow"]);
    expect(points.length).toBeLessThanOrEqual(120);
    expect(points.at(-1)).toMatchObject({ n: 400 });
    expect(points.at(-1)?.mean).toBeCloseTo(-0.1, 10);
  });
  it("counts where the judge saw a difference", () =>
    expect(agreementOf(inputs)).toEqual({ equal: 300, better: 0, worse: 100 }));
});

describe("worst cases", () => {
  const line = (case_id: string, score: number, more: Partial<CaseResultLine> = {}) =>
    JSON.stringify({ case_id, score, ...more });
  it("pairs cases, averages repeats, puts the largest drop first and shows the worst repeat", () => {
    const baseline = resultLines([line("a", 1, { output: "A" }), line("b", 1), line("only-here", 1)].join("\n"));
    const candidate = resultLines(
      [line("b", 0.9), line("a", 1, { output: "good" }), line("a", 0, { output: "bad" }), "no JSON", "{}"].join("\n"),
    );
    const cases = comparedCases(baseline, candidate);
    expect(cases.map(({ caseId, difference }) => [caseId, Number(difference.toFixed(3))])).toEqual([
      ["a", -0.5],
      ["b", -0.1],
    ]);
    expect(cases[0]?.candidate.output).toBe("bad");
  });
});
