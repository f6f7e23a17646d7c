import { assert, describe, it } from "@effect/vitest";
import { digestOf, Policy, ShadowEvidence, timestampOf } from "@sluice/contracts";
import { randomSource } from "@sluice/statistics";
import * as Schema from "effect/Schema";
import { evaluateShadow, replayShadow } from "./evaluate-shadow.ts";
import { CONVERSATION_CLOSES_AFTER_PAIRS, PairSeries } from "./pair-series.ts";

const judge = digestOf("judge");
const inputsOf = (series: PairSeries, open: "tested" | "left-out" = "tested") =>
  series.inputs({
    judge,
    startedAt: timestampOf(0),
    decidedAt: timestampOf(60_000),
    mirrorDropped: 0,
    judgeReport: null,
    open,
  });

const pair = (
  pairId: string,
  baselineScore: number | null,
  candidateScore: number | null,
  more: { clusterKey?: string; candidateFailed?: boolean; error?: string } = {},
) => ({ pairId, clusterKey: pairId, candidateFailed: false, error: null, baselineScore, candidateScore, ...more });

const seriesOf = (...pairs: ReadonlyArray<ReturnType<typeof pair>>) => {
  const series = new PairSeries();
  for (const one of pairs) series.add(one);
  return series;
};

describe("PairSeries", () => {
  it("counts a pair once, however often it is delivered", () => {
    const once = pair("p1", 1, 0);
    const series = seriesOf(once, pair("p2", 1, 1), once, { ...once, candidateScore: 1 });
    assert.deepStrictEqual(inputsOf(series).scores, [
      [1, 0],
      [1, 1],
    ]);
    assert.strictEqual(series.counts.requests, 2);
  });

  it("excludes and counts what has no scores", () => {
    const series = seriesOf(
      pair("failed judge", null, null, { error: "HTTP 500" }),
      pair("failed baseline", null, null),
      pair("failed candidate", 0.5, 0, { candidateFailed: true }),
    );
    assert.deepStrictEqual(series.counts, {
      requests: 3,
      pairs: 1,
      judgeErrors: 1,
      candidateErrors: 1,
      conversations: 1,
    });
  });

  it("averages a conversation, in the order in which conversations began", () => {
    const series = seriesOf(
      pair("p1", 1, 0, { clusterKey: "a" }),
      pair("p2", 1, 1, { clusterKey: "b" }),
      pair("p3", 0, 1, { clusterKey: "a" }),
    );
    assert.deepStrictEqual(inputsOf(series).scores, [
      [0.5, 0.5],
      [1, 1],
    ]);
    assert.strictEqual(series.counts.conversations, 2);
  });

  it("tests a conversation once, when it is old enough, and never changes what was tested", () => {
    const series = seriesOf(pair("first", 1, 0, { clusterKey: "long" }));
    for (let i = 1; i < CONVERSATION_CLOSES_AFTER_PAIRS; i++) series.add(pair(`p${i}`, 1, 1));
    assert.deepStrictEqual(inputsOf(series, "left-out").scores, []);
    series.add(pair("one more", 1, 1));
    assert.deepStrictEqual(inputsOf(series, "left-out").scores, [[1, 0]]);
    series.add(pair("late", 0, 1, { clusterKey: "long" }));
    assert.deepStrictEqual(inputsOf(series, "left-out").scores[0], [1, 0]);
    assert.strictEqual(inputsOf(series).scores.length, CONVERSATION_CLOSES_AFTER_PAIRS + 1);
  });

  it("comes to the same inputs when the log is folded again, in whatever batches and with repetitions", () => {
    const random = randomSource(7);
    const pairs = Array.from({ length: 1_000 }, (_, i) =>
      pair(`p${i}`, Math.round(random()), Math.round(random()), { clusterKey: `c${Math.floor(random() * 300)}` }),
    );
    const again = new PairSeries();
    for (const one of pairs) {
      again.add(one);
      if (random() < 0.3) again.add(pairs[Math.floor(random() * pairs.indexOf(one))] ?? one);
      if (random() < 0.1) again.rejects(policyWith().shadow);
    }
    assert.deepStrictEqual(inputsOf(again), inputsOf(seriesOf(...pairs)));
  });
});

const policyWith = (shadow: object = {}): Policy =>
  Schema.decodeUnknownSync(Policy)({ shadow: { minDurationSeconds: 60, minRequests: 600, alpha: 0.05, ...shadow } });

/** Pairs of right (1) or wrong (0) answers; `shared` makes the turns of a conversation go wrong together. */
const traffic = (seed: number, n: number, rates: readonly [number, number], turns = 1, shared = 0) => {
  const random = randomSource(seed);
  const moods = new Map<number, readonly [number, number]>();
  return Array.from({ length: n }, (_, i) => {
    const conversation = Math.floor(i / turns);
    const mood = moods.get(conversation) ?? ([random(), random()] as const);
    moods.set(conversation, mood);
    const [baseline, candidate] = rates.map((rate, arm) => {
      const draw = random() < shared ? (mood[arm] ?? 0) : random();
      return draw < rate ? 1 : 0;
    });
    return pair(`p${i}`, baseline ?? 0, candidate ?? 0, { clusterKey: `c${conversation}` });
  });
};

/** Looks after every pair, as a service under traffic does; the pair at which it rejected, or null. */
const rejectedAt = (pairs: ReadonlyArray<ReturnType<typeof pair>>, policy = policyWith()): number | null => {
  const series = new PairSeries();
  for (const [i, one] of pairs.entries()) {
    series.add(one);
    if (series.rejects(policy.shadow)) return i + 1;
  }
  return null;
};

describe("the shadow's test on seeded traffic", () => {
  const runs = 200;
  // Binomial(200, .05): more than 26 has a probability of about 1e-6.
  const mostFalseAlarms = 26;

  it("raises no more false alarms than alpha allows, looked at after every pair", () => {
    let alarms = 0;
    for (let seed = 0; seed < runs; seed++) if (rejectedAt(traffic(seed, 600, [0.9, 0.9])) !== null) alarms += 1;
    assert.isAtMost(alarms, mostFalseAlarms);
  });

  it("holds the same when the turns of a conversation go wrong together", () => {
    let alarms = 0;
    for (let seed = 0; seed < runs; seed++)
      if (rejectedAt(traffic(seed, 1_000, [0.8, 0.8], 10, 0.95)) !== null) alarms += 1;
    assert.isAtMost(alarms, mostFalseAlarms);
  });

  it("sees a drop from 0.9 to 0.7 within 600 pairs in every run", () => {
    for (let seed = 0; seed < 100; seed++) assert.isNotNull(rejectedAt(traffic(seed, 600, [0.9, 0.7])), `seed ${seed}`);
  });

  it("tolerates the margin that policy grants", () => {
    const policy = policyWith({ margin: 0.4 });
    for (let seed = 0; seed < 20; seed++) assert.isNull(rejectedAt(traffic(seed, 600, [0.9, 0.7]), policy));
  });
});

describe("evaluateShadow", () => {
  const digest = digestOf("inputs");

  it("passes what is as good, with the numbers of the pairs", () => {
    const { decision, evidence } = evaluateShadow(
      inputsOf(seriesOf(...traffic(1, 600, [0.9, 0.9]))),
      policyWith(),
      digest,
    );
    assert.strictEqual(decision, "passed");
    assert.strictEqual(evidence.pairs, 600);
    assert.closeTo(evidence.baselineMean ?? 0, 0.9, 0.05);
    assert.closeTo(evidence.meanDifference ?? 1, (evidence.candidateMean ?? 0) - (evidence.baselineMean ?? 0), 1e-12);
    assert.isBelow(evidence.logE, evidence.logThreshold);
  });

  it("finds the regression of the open conversations too, before a pass", () => {
    const { decision } = evaluateShadow(
      inputsOf(seriesOf(...traffic(2, 90, [1, 0]))),
      policyWith({ minPairs: 50 }),
      digest,
    );
    assert.strictEqual(decision, "regressed");
  });

  it("replays to the same bytes from its inputs as they are stored", () => {
    const inputs = inputsOf(seriesOf(...traffic(3, 700, [0.85, 0.8], 3, 0.5)));
    const stored: typeof inputs = JSON.parse(JSON.stringify(inputs));
    assert.strictEqual(
      JSON.stringify(replayShadow(stored, policyWith(), digest)),
      JSON.stringify(evaluateShadow(inputs, policyWith(), digest)),
    );
  });

  it.each([
    ["one pair", 1, 1],
    ["no spread", 200, 1],
    ["nothing but failures", 200, 0],
  ])("has evidence that fits its schema with %s", (_, n, candidateScore) => {
    const same = Array.from({ length: n }, (_, i) => pair(`p${i}`, 1, candidateScore));
    const { evidence } = evaluateShadow(inputsOf(seriesOf(...same)), policyWith(), digest);
    assert.deepStrictEqual(Schema.decodeUnknownSync(ShadowEvidence)(JSON.parse(JSON.stringify(evidence))), evidence);
  });

  it("is inconclusive without pairs", () => {
    const { decision, evidence } = evaluateShadow(
      { ...inputsOf(seriesOf()), decidedAt: timestampOf(86_400_000) },
      policyWith(),
      digest,
    );
    assert.strictEqual(decision, "inconclusive");
    assert.isNull(evidence.meanDifference);
  });
});
