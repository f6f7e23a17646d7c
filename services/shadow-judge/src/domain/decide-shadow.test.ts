import { assert, describe, it } from "@effect/vitest";
import { decideShadow, type ShadowDecision, type ShadowFacts } from "./decide-shadow.ts";

const policy = {
  sampleRate: 1,
  minDurationSeconds: 3_600,
  minRequests: 10_000,
  enough: "either",
  minPairs: 200,
  alpha: 0.01,
  margin: 0,
  maxErrorShare: 0.02,
  deadlineSeconds: 86_400,
  concurrency: 16,
  queueLimit: 1_000,
  timeoutMs: 60_000,
  payloadSampleRate: 1,
} as const;
const both = { ...policy, enough: "both" } as const;

const enoughOfAll: ShadowFacts = {
  startedAtMs: 0,
  requests: 10_000,
  conversations: 200,
  pairs: 400,
  judgeErrors: 8,
  rejected: false,
  reportOnly: false,
  paused: false,
};
const hour = 3_600;

const decide = (facts: Partial<ShadowFacts>, seconds: number, rules: typeof policy | typeof both = policy) =>
  decideShadow(rules, { ...enoughOfAll, ...facts }, seconds * 1_000);
const waits = (decision: ShadowDecision, words: string) => {
  assert.strictEqual(decision.decision, "wait");
  assert.include(decision.decision === "wait" ? decision.for : "", words);
};
const is = (decision: ShadowDecision, expected: ShadowDecision["decision"]) =>
  assert.strictEqual(decision.decision, expected);

describe("decideShadow", () => {
  it("passes on time alone or on requests alone where either is enough", () => {
    is(decide({ requests: 300 }, hour), "passed");
    is(decide({}, 10), "passed");
    waits(decide({ requests: 9_999 }, hour - 1), "1 s or 1 more mirrored request");
  });

  it("needs both where policy says both", () => {
    waits(decide({ requests: 9_990 }, hour, both), "10 more mirrored requests");
    waits(decide({}, hour - 5, both), "5 s");
    is(decide({}, hour, both), "passed");
  });

  it("needs pairs of different conversations, however many pairs there are", () => {
    waits(decide({ conversations: 199, pairs: 9_000 }, hour), "1 more judged pair of different conversations");
  });

  it("does not pass on a judge that fails too often, and says so", () => {
    waits(decide({ judgeErrors: 9 }, hour), "failed on 2.2 %");
    is(decide({ judgeErrors: 9 }, policy.deadlineSeconds), "inconclusive");
  });

  it("regresses at any time, paused or not, whatever else is missing", () => {
    is(decide({ rejected: true, conversations: 60, requests: 60 }, 1), "regressed");
    is(decide({ rejected: true, paused: true, judgeErrors: 400 }, policy.deadlineSeconds + 1), "regressed");
  });

  it("is inconclusive at the deadline with too little, never passed", () => {
    waits(decide({ conversations: 10 }, policy.deadlineSeconds - 1), "190 more judged pairs");
    is(decide({ conversations: 10 }, policy.deadlineSeconds), "inconclusive");
    is(decide({ conversations: 0, pairs: 0, judgeErrors: 0, requests: 0 }, policy.deadlineSeconds), "inconclusive");
  });

  it("keeps a pass until a paused release is resumed", () => {
    waits(decide({ paused: true }, hour), "resume");
    is(decide({ paused: true, conversations: 10 }, policy.deadlineSeconds), "inconclusive");
  });
});
