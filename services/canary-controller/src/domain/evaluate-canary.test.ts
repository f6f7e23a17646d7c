import { assert, describe, it } from "@effect/vitest";
import { type CanaryWindow, type CheckEvidence, canonicalJson, Policy } from "@sluice/contracts";
import { randomSource } from "@sluice/statistics";
import * as Schema from "effect/Schema";
import { type CanaryEvaluation, evaluateCanary } from "./evaluate-canary.ts";
import { sampleRatioCheck } from "./integrity-checks.ts";
import { type Behaviour, healthy, simulatedWindow } from "./simulated-windows.fixture.ts";
import { requestsOf } from "./units.ts";

const canaryPolicy = (changes: Record<string, unknown> = {}): Policy["canary"] =>
  Schema.decodeUnknownSync(Policy)({ offline: {}, shadow: {}, canary: changes }).canary;

const steps = [
  { share: 0.1, holdSeconds: 600, minRequests: 100 },
  { share: 0.5, holdSeconds: 600, minRequests: 100 },
  { share: 1, holdSeconds: 600, minRequests: 100 },
];
const policy = canaryPolicy({ steps });

interface Scenario {
  readonly seed: number;
  readonly policy?: Policy["canary"];
  readonly candidate?: Partial<Behaviour>;
  readonly baseline?: Partial<Behaviour>;
  /** Window from which the candidate behaves otherwise. */
  readonly from?: number;
  readonly requestsPerWindow?: number;
  readonly windowsPerStep?: number;
  readonly stepCount?: number;
  readonly drift?: (index: number) => number;
}

const rollout = (scenario: Scenario): ReadonlyArray<CanaryWindow> => {
  const { seed, candidate, baseline, from = 0, drift = () => 1 } = scenario;
  const { requestsPerWindow = 400, windowsPerStep = 10, stepCount = 2 } = scenario;
  const random = randomSource(seed);
  const reference = { ...healthy, ...baseline };
  return Array.from({ length: windowsPerStep * stepCount }, (_, i) =>
    simulatedWindow(
      random,
      i,
      Math.floor(i / windowsPerStep),
      scenario.policy ?? policy,
      { requestsPerWindow, judgedShare: 0.1 },
      { baseline: reference, candidate: i >= from ? { ...reference, ...candidate } : reference },
      drift(i),
    ),
  );
};

const evaluate = (windows: ReadonlyArray<CanaryWindow>, of = policy): CanaryEvaluation => {
  const evaluation = evaluateCanary(of, windows, windows.at(-1)?.step ?? 0);
  if (!evaluation) throw new Error("no window");
  return evaluation;
};
const check = ({ evidence }: CanaryEvaluation, name: CheckEvidence["check"]): CheckEvidence => {
  const found = evidence.checks.find((candidate) => candidate.check === name);
  if (!found) throw new Error(`no check ${name}`);
  return found;
};
const changed = (windows: ReadonlyArray<CanaryWindow>, index: number, change: (window: CanaryWindow) => CanaryWindow) =>
  windows.map((window, i) => (i === index ? change(window) : window));

describe("evaluateCanary", () => {
  it("knows nothing before the first closed window of the step", () => {
    assert.isNull(evaluateCanary(policy, [], 0));
    assert.isNull(evaluateCanary(policy, rollout({ seed: 1, stepCount: 1 }), 1));
  });

  it("passes a candidate that is the same, and says on what", () => {
    const evaluation = evaluate(rollout({ seed: 1 }));
    assert.isNull(evaluation.breach);
    assert.isNull(evaluation.hold);
    assert.deepStrictEqual(
      evaluation.evidence.checks.map(({ check: name, verdict }) => [name, verdict]),
      [
        ["errorRate", "passed"],
        ["latencyP95", "passed"],
        ["quality", "passed"],
        ["refusalRate", "passed"],
        ["sampleRatio", "passed"],
        ["servedDigest", "passed"],
      ],
    );
    assert.strictEqual(evaluation.evidence.windows.length, 10);
    assert.match(evaluation.evidence.sentence, /^Step 2 of 3 \(50 %\): [\d,]+ requests on the candidate/);
  });

  const faults: ReadonlyArray<readonly [string, CheckEvidence["check"], Partial<Behaviour>]> = [
    ["a 20 % error rate", "errorRate", { errorRate: 0.2 }],
    ["a doubled latency", "latencyP95", { medianMs: 1_600 }],
    ["a quality of 0.5", "quality", { quality: 0.5 }],
    ["a refusal rate of 20 %", "refusalRate", { refusalRate: 0.2 }],
  ];
  for (const [fault, name, candidate] of faults)
    it(`rolls back on ${fault}, and says which metric, by how much, since when`, () => {
      const windows = rollout({ seed: 2, candidate, from: 12 });
      const evaluation = evaluate(windows);
      assert.strictEqual(evaluation.breach?.cause, "metric");
      assert.strictEqual(check(evaluation, name).verdict, "failed");
      assert.strictEqual(evaluation.breach?.sentence, check(evaluation, name).sentence);
      // The fault begins with window 12; the estimate of its start may be a window or two off.
      const since = windows.findIndex(({ from }) => from === evaluation.breach?.since);
      assert.isTrue(since >= 10 && since <= 14, `since window ${since}`);
      assert.deepStrictEqual(
        evaluation.evidence.checks.filter(({ verdict }) => verdict === "failed").map((c) => c.check),
        [name],
      );
    });

  it("lets a judge that may only report decide nothing, and tells what it says and why", () => {
    const judgeReport = {
      reportOnly: true,
      reason: "nobody has compared it with people",
      calibration: null,
      orders: null,
    };
    const windows = rollout({ seed: 2, candidate: { quality: 0.5 }, from: 12 });
    for (const quality of [{}, { onBreach: "hold" }, { floor: 0.9 }]) {
      const reported = evaluateCanary(canaryPolicy({ steps, metrics: { quality } }), windows, 1, judgeReport);
      assert.isNotNull(reported);
      if (!reported) return;
      assert.deepStrictEqual([reported.breach, reported.hold], [null, null]);
      assert.deepInclude(check(reported, "quality"), { verdict: "failed", mode: "warn" });
      assert.match(
        check(reported, "quality").sentence,
        /may only report, because nobody has compared .* decides nothing/,
      );
      assert.deepStrictEqual(reported.evidence.judgeReport, judgeReport);
      const faults = rollout({ seed: 2, candidate: { errorRate: 0.2 }, from: 12 });
      assert.strictEqual(evaluateCanary(policy, faults, 1, judgeReport)?.breach?.cause, "metric");
    }
    const trusted = { ...judgeReport, reportOnly: false, reason: "its calibration holds" };
    assert.strictEqual(evaluateCanary(policy, windows, 1, trusted)?.breach?.cause, "metric");
  });

  it("does not blame the candidate for an outage of both arms", () => {
    const evaluation = evaluate(rollout({ seed: 3, drift: (i) => (i >= 5 && i < 9 ? 15 : 1) }));
    assert.isNull(evaluation.breach);
  });

  it("compares conversations, and limits requests", () => {
    // Each conversation fails in its later requests only, on the candidate: units are fine, and users are not.
    const withUnits = (window: CanaryWindow): CanaryWindow => ({
      ...window,
      baseline: { ...window.baseline, units: { ...requestsOf(window.baseline) } },
      candidate: {
        ...window.candidate,
        errors: Math.round(0.4 * window.candidate.requests),
        units: { ...requestsOf(window.candidate) },
      },
    });
    const windows = rollout({ seed: 5 }).map(withUnits);
    const compared = evaluate(windows);
    assert.isNull(compared.breach);
    assert.match(check(compared, "errorRate").sentence, /\(n = [\d,]+ conversations\)/);
    const limited = evaluate(windows, canaryPolicy({ steps, metrics: { errorRate: { ceiling: 0.2 } } }));
    assert.strictEqual(limited.breach?.cause, "ceiling");
    assert.match(limited.breach?.sentence ?? "", /Over all its [\d,]+ requests it is (39|40)\.\d\d %, surely above/);
  });

  it("tolerates what the margin tolerates", () => {
    const windows = rollout({ seed: 4, candidate: { errorRate: 0.05 } });
    assert.strictEqual(evaluate(windows).breach?.cause, "metric");
    const tolerant = canaryPolicy({ steps, metrics: { errorRate: { marginOddsRatio: 4 } } });
    assert.isNull(evaluate(windows, tolerant).breach);
  });

  it("holds, or only warns, where policy says so", () => {
    const windows = rollout({ seed: 5, candidate: { errorRate: 0.3 } });
    const held = evaluate(windows, canaryPolicy({ steps, metrics: { errorRate: { onBreach: "hold" } } }));
    assert.isNull(held.breach);
    assert.strictEqual(held.hold?.cause, "metric-breached");
    const warned = evaluate(windows, canaryPolicy({ steps, metrics: { errorRate: { onBreach: "warn" } } }));
    assert.isNull(warned.breach);
    assert.isNull(warned.hold);
    assert.strictEqual(check(warned, "errorRate").verdict, "failed");
  });

  it("tries a metric out where its mode is warn: told as failed, and deciding nothing", () => {
    const windows = rollout({ seed: 5, candidate: { errorRate: 0.3 } });
    for (const onBreach of ["rollback", "hold"]) {
      const metrics = { errorRate: { onBreach, mode: "warn", ceiling: 0.05 } };
      const evaluation = evaluate(windows, canaryPolicy({ steps, metrics }));
      assert.deepStrictEqual([evaluation.breach, evaluation.hold], [null, null]);
      const { verdict, mode, sentence } = check(evaluation, "errorRate");
      assert.deepStrictEqual([verdict, mode], ["failed", "warn"]);
      assert.match(sentence, /tries it out: it decides nothing/);
    }
    assert.isUndefined(check(evaluate(windows), "errorRate").mode);
  });

  it("takes for worse what policy calls worse: an increase, a decrease, or either", () => {
    const directed = (direction: string) => canaryPolicy({ steps, metrics: { refusalRate: { direction } } });
    const found = (refusalRate: number, direction: string) =>
      evaluate(rollout({ seed: 31, candidate: { refusalRate }, baseline: { refusalRate: 0.2 } }), directed(direction))
        .breach?.cause ?? null;
    const causes = (refusalRate: number) => ["increase", "decrease", "either"].map((d) => found(refusalRate, d));
    assert.deepStrictEqual(causes(0.4), ["metric", null, "metric"]);
    assert.deepStrictEqual(causes(0.05), [null, "metric", "metric"]);
    assert.deepStrictEqual(causes(0.2), [null, null, null]);
  });

  it("breaches a floor of the score whatever the baseline does", () => {
    const windows = rollout({ seed: 32, baseline: { quality: 0.6 }, candidate: { quality: 0.6 } });
    assert.isNull(evaluate(windows).breach);
    const { breach } = evaluate(windows, canaryPolicy({ steps, metrics: { quality: { floor: 0.8 } } }));
    assert.strictEqual(breach?.cause, "ceiling");
    assert.match(breach?.sentence ?? "", /quality score is 0\.[56]\d\d .* surely below the floor of 0\.800/);
    assert.isNull(evaluate(windows, canaryPolicy({ steps, metrics: { quality: { floor: 0.55 } } })).breach);
  });

  it("keeps a baseline beside the candidate to the end where policy holds some users back", () => {
    const heldBack = canaryPolicy({ steps, finalHoldback: 0.05 });
    const windows = rollout({ seed: 33, policy: heldBack, stepCount: 3, drift: (i) => (i >= 20 ? 5 : 1) });
    const { evidence, breach } = evaluate(windows, heldBack);
    assert.isTrue(evidence.concurrentBaseline);
    assert.match(evidence.sentence, /^Step 3 of 3 \(95 %\): /);
    assert.notMatch(evidence.sentence, /not measured beside it/);
    assert.isAbove(evidence.requests.baseline, 100);
    // The hour got five times worse for both: only a baseline of that hour can tell.
    assert.isNull(breach);
    assert.isNotNull(evaluate(rollout({ seed: 33, stepCount: 3, drift: (i) => (i >= 20 ? 5 : 1) })).breach);
  });

  it("breaches a ceiling whatever the baseline does", () => {
    const outage = { errorRate: 0.2 };
    const windows = rollout({ seed: 6, baseline: outage, candidate: outage });
    assert.isNull(evaluate(windows).breach);
    const capped = evaluate(windows, canaryPolicy({ steps, metrics: { errorRate: { ceiling: 0.05 } } }));
    assert.strictEqual(capped.breach?.cause, "ceiling");
    assert.match(capped.breach?.sentence ?? "", /surely above the ceiling of 5\.00 %/);
    const slow = evaluate(windows, canaryPolicy({ steps, metrics: { latencyP95: { ceilingMs: 1_000 } } }));
    assert.match(slow.breach?.sentence ?? "", /latency p95.*ceiling of 1000 ms/);
  });

  it("divides the ceilings' error probability among them: one that has company needs more evidence", () => {
    const outage = { errorRate: 0.1 };
    const alone = canaryPolicy({ steps, metrics: { errorRate: { ceiling: 0.05 } } });
    const ceilings = { errorRate: { ceiling: 0.05 }, refusalRate: { ceiling: 0.9 }, latencyP95: { ceilingMs: 60_000 } };
    const inCompany = canaryPolicy({ steps, metrics: ceilings });
    const later = [1, 2, 3, 4, 5, 6].map((seed) => {
      const windows = rollout({ seed, baseline: outage, candidate: outage });
      const breachedAfter = (by: Policy["canary"]) =>
        windows.findIndex((_, i) => evaluate(windows.slice(0, i + 1), by).breach?.cause === "ceiling");
      assert.isAtLeast(breachedAfter(alone), 0);
      return breachedAfter(inCompany) - breachedAfter(alone);
    });
    assert.isAtLeast(Math.min(...later), 0);
    assert.isAbove(Math.max(...later), 0);
  });

  it("breaches on one request that was served by another bundle", () => {
    const windows = changed(rollout({ seed: 7 }), 4, (window) => ({
      ...window,
      baseline: { ...window.baseline, wrongDigest: 1 },
    }));
    const { breach } = evaluate(windows);
    assert.deepStrictEqual([breach?.cause, breach?.since], ["served-digest", windows[4]?.from]);
  });

  it("breaches on a confirmed safety probe, and on nothing less", () => {
    const probed = canaryPolicy({
      steps,
      safetyProbes: { set: `sha256:${"c".repeat(64)}`, perMinute: 6, confirmations: 2 },
    });
    const failing = (confirmed: ReadonlyArray<string>) =>
      changed(rollout({ seed: 8 }), 15, (window) => ({ ...window, probes: { sent: 6, failed: 1, confirmed } }));
    assert.isNull(evaluate(failing([]), probed).breach);
    const { breach } = evaluate(failing(["jailbreak-7"]), probed);
    assert.strictEqual(breach?.cause, "safety-probe");
    assert.match(breach?.sentence ?? "", /jailbreak-7/);
  });

  it("holds on a sample-ratio mismatch", () => {
    const skewed = rollout({ seed: 9 }).map((window) => ({
      ...window,
      candidate: { ...window.candidate, conversations: Math.round(window.candidate.conversations * 0.6) },
    }));
    assert.strictEqual(evaluate(skewed).hold?.cause, "sample-ratio-mismatch");
  });

  it("takes users who come back in every step for no new evidence of a mismatch (error rate of this test: 2 %)", () => {
    const many = Array.from({ length: 10 }, (_, i) => ({ share: (i + 1) / 10, holdSeconds: 600, minRequests: 100 }));
    const level = canaryPolicy({ steps: many, sampleRatioAlpha: 0.02 });
    const random = randomSource(34);
    const releases = 400;
    let mismatches = 0;
    for (let release = 0; release < releases; release++) {
      // The same 2,000 users in every step, each in the bucket that it is in.
      const buckets = Array.from({ length: 2_000 }, () => random());
      const windows = many.map(({ share }, step): CanaryWindow => {
        const [window] = rollout({ seed: 1, windowsPerStep: 1, stepCount: 1, requestsPerWindow: 20 });
        if (!window) throw new Error("no window");
        const onCandidate = buckets.filter((bucket) => bucket < share).length;
        return {
          ...window,
          step,
          share,
          baseline: { ...window.baseline, conversations: buckets.length - onCandidate },
          candidate: { ...window.candidate, conversations: onCandidate },
        };
      });
      if (sampleRatioCheck(windows, level).verdict === "failed") mismatches += 1;
    }
    assert.isAtMost(mismatches / releases, 0.02 + 2 * Math.sqrt((0.02 * 0.98) / releases));
  });

  it("says that the last step has no baseline beside it, compares with the step before, and tolerates the hour", () => {
    const fine = evaluate(rollout({ seed: 10, stepCount: 3, drift: (i) => (i >= 20 ? 1.4 : 1) }));
    assert.isFalse(fine.evidence.concurrentBaseline);
    assert.match(fine.evidence.sentence, /was not measured beside it/);
    assert.isNull(fine.breach);
    assert.isAbove(check(fine, "errorRate").baseline.n, 0);
    const bad = evaluate(rollout({ seed: 10, stepCount: 3, candidate: { errorRate: 0.15 }, from: 20 }));
    assert.strictEqual(bad.breach?.cause, "metric");
    const poor = evaluate(rollout({ seed: 10, stepCount: 3, candidate: { quality: 0.4 }, from: 20 }));
    assert.match(poor.breach?.sentence ?? "", /quality score is 0\.[34]/);
  });

  it("calls too little data inconclusive", () => {
    const evaluation = evaluate(rollout({ seed: 11, requestsPerWindow: 5, stepCount: 1 }));
    assert.strictEqual(check(evaluation, "errorRate").verdict, "inconclusive");
    assert.match(check(evaluation, "errorRate").sentence, /too little data/);
  });

  it("comes out the same, byte for byte, from the same windows", () => {
    const windows = rollout({ seed: 12 });
    const again = JSON.parse(JSON.stringify(windows)) as typeof windows;
    assert.strictEqual(canonicalJson(evaluate(windows)), canonicalJson(evaluate(again)));
  });
});
