import { assert, describe, it } from "@effect/vitest";
import type { CanaryWindow } from "@sluice/contracts";
import { at } from "@sluice/release/testing/samples";
import { settledWindows } from "./settled-windows.ts";

const arm = (requests: number, scores: number) => ({
  requests,
  conversations: requests,
  errors: 0,
  answered: requests,
  refusals: 0,
  latencyBins: [],
  quality: { n: scores, sum: scores, sumSquares: scores },
  wrongDigest: 0,
});
const window = (
  seconds: number,
  step: number,
  scores: number,
  confirmed: ReadonlyArray<string> = [],
): CanaryWindow => ({
  from: at(seconds),
  step,
  share: 0.5,
  baseline: arm(20, scores),
  candidate: arm(20, scores),
  probes: { sent: 3, failed: 0, confirmed },
});
const scoresOf = (windows: ReadonlyArray<CanaryWindow>) => windows.map(({ candidate }) => candidate.quality.n);
const none = { earlier: [], tail: [] };

describe("scores", () => {
  const present = [window(0, 0, 4), window(10, 0, 5), window(20, 0, 2)];

  it("count when their window has settled, and not before", () => {
    assert.deepStrictEqual(scoresOf(settledWindows({ ...none, present, settledThrough: at(20) })), [4, 5, 0]);
    assert.deepStrictEqual(scoresOf(settledWindows({ ...none, present, settledThrough: at(0) })), [0, 0, 0]);
  });

  it("count at once when every answer has one, but never before those of an earlier window", () => {
    const whole = [window(0, 0, 20), window(10, 0, 5), window(20, 0, 20)];
    assert.deepStrictEqual(scoresOf(settledWindows({ ...none, present: whole, settledThrough: at(0) })), [20, 0, 0]);
  });

  it("never change once they count, however often the windows are looked at", () => {
    const counted = new Map<string, number>();
    for (let settled = 0; settled <= 60; settled += 10) {
      const arrived = [0, 10, 20, 30, 40].map((from) => window(from, 0, from < settled ? 9 : (settled + from) % 7));
      for (const { from, candidate } of settledWindows({ ...none, present: arrived, settledThrough: at(settled) })) {
        if (candidate.quality.n > 0) assert.strictEqual(counted.get(from) ?? candidate.quality.n, candidate.quality.n);
        if (candidate.quality.n > 0) counted.set(from, candidate.quality.n);
      }
    }
    assert.strictEqual(counted.size, 5);
  });

  it("that came after their step had passed count in the first window of the next one, once", () => {
    const earlier = [window(0, 0, 4), window(10, 0, 0), window(20, 0, 0)];
    const tail = [window(0, 0, 4), window(10, 0, 5), window(20, 0, 6)];
    const next = [window(30, 1, 3), window(40, 1, 2)];
    const open = settledWindows({ earlier, tail, present: next, settledThrough: at(30) });
    assert.deepStrictEqual(scoresOf(open), [0, 0]);
    const settled = settledWindows({ earlier, tail, present: next, settledThrough: at(40) });
    assert.deepStrictEqual(scoresOf(settled), [3 + 5 + 6, 0]);
    // The step after that one finds them counted.
    const last = settledWindows({
      earlier: [...earlier, ...settled],
      tail: [...tail, ...next],
      present: [window(50, 2, 1)],
      settledThrough: at(60),
    });
    assert.deepStrictEqual(scoresOf(last), [1 + 2]);
  });
});

describe("a failure of a safety probe", () => {
  it("that was confirmed after its window had been judged counts in the next step", () => {
    const earlier = [window(0, 0, 0), window(10, 0, 0)];
    const tail = [window(0, 0, 0), window(10, 0, 0, ["bomb"])];
    const [first] = settledWindows({ earlier, tail, present: [window(20, 1, 0)], settledThrough: at(0) });
    assert.deepStrictEqual(first?.probes, { sent: 4, failed: 1, confirmed: ["bomb"] });
  });

  it("counts once", () => {
    const seen = [window(0, 0, 0, ["bomb"])];
    const [first] = settledWindows({ earlier: seen, tail: seen, present: [window(20, 1, 0)], settledThrough: at(0) });
    assert.deepStrictEqual(first?.probes.confirmed, []);
  });
});
