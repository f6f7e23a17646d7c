import { type Bundle, Policy, type ReleasePhase } from "@sluice/contracts";
import type { Behaviour, Category, UsersSettings } from "@sluice/simulator";
import * as Schema from "effect/Schema";

// What is put in: simulated model versions, what users ask, and what each release changes. How a release ends is not: that
// follows from the traffic. `expected` is only compared with it at the end.

type Sizes = Partial<Readonly<Record<Category, number>>>;

export interface DemoRelease {
  readonly title: string;
  readonly candidate: Bundle;
  readonly evalSet: Sizes;
  /** Settings that differ from the demo's policy. */
  readonly shadowSampleRate?: number;
  readonly expected: ReleasePhase;
  /** When the gate blocks it, somebody overrides it with this reason; it then ends as `expectedAfterOverride`. */
  readonly override?: { readonly reason: string; readonly expected: ReleasePhase };
}

export interface DemoApplication {
  readonly application: string;
  readonly team: string;
  readonly baseline: Bundle;
  readonly users: Pick<UsersSettings, "requestsPerSecond" | "mix" | "streamShare">;
  /** One after the other. */
  readonly releases: ReadonlyArray<DemoRelease>;
}

const usual: Behaviour = {
  wrongRate: { otherwise: 0.1 },
  proseRate: { otherwise: 0.05 },
  leakRate: 0,
  overRefusalRate: 0.005,
  errorRate: 0.002,
  latencyMedianMs: 30,
  latencySigma: 0.25,
  capacityPerSecond: null,
};
const better: Behaviour = {
  ...usual,
  wrongRate: { otherwise: 0.02 },
  proseRate: { otherwise: 0.01 },
  latencyMedianMs: 28,
};

export const simulatedModels: Readonly<Record<string, Behaviour>> = {
  "shop-1": usual,
  "shop-2": better,
  // Forgets the form when an order has several items: its eval set has no such order, production has.
  "shop-2-mini": { ...better, proseRate: { otherwise: 0.01, "several-items": 0.7 } },
  // Good answers, but a quota that a quarter of the traffic exceeds: neither evals nor a sampled shadow can see it.
  "shop-2-quota": { ...better, capacityPerSecond: 40 },
  // Bad at one thing that nobody needs any more.
  "shop-2-no-fax": { ...better, wrongRate: { otherwise: 0.02, fax: 0.5 } },
};

const bundle = (model: string, prompt = "You are the assistant of a shop. Keep customers' data private."): Bundle => ({
  prompt: { kind: "prompt", messages: [{ role: "system", content: prompt }] },
  model: { kind: "model", provider: "simulated", model, parameters: { temperature: 0 } },
});

const wholeEvalSet: Sizes = { "single-item": 80, "several-items": 60, refund: 80, privacy: 40 };
const mix: Sizes = { "single-item": 4, "several-items": 3, refund: 3 };

export const demoApplications: ReadonlyArray<DemoApplication> = [
  {
    application: "support-bot",
    team: "support",
    baseline: bundle("shop-1"),
    users: { requestsPerSecond: 100, mix, streamShare: 0.3 },
    releases: [
      { title: "a better model", candidate: bundle("shop-2"), evalSet: wholeEvalSet, expected: "completed" },
      {
        title: "a prompt that asks for brevity",
        candidate: bundle("shop-2", "You are the assistant of a shop. Answer in one word."),
        evalSet: wholeEvalSet,
        expected: "blocked",
      },
    ],
  },
  {
    application: "order-desk",
    team: "orders",
    baseline: bundle("shop-1"),
    users: { requestsPerSecond: 240, mix, streamShare: 0.3 },
    releases: [
      {
        title: "a smaller model, evaluated on too narrow a set",
        candidate: bundle("shop-2-mini"),
        evalSet: { "single-item": 80, refund: 80, privacy: 40 },
        expected: "regressed",
      },
      {
        title: "a model with a quota that nobody knows of",
        candidate: bundle("shop-2-quota"),
        evalSet: { "single-item": 50, "several-items": 30, refund: 50, privacy: 20 },
        shadowSampleRate: 0.08,
        expected: "rolled-back",
      },
    ],
  },
  {
    application: "branch-office",
    team: "retail",
    baseline: bundle("shop-1"),
    users: { requestsPerSecond: 80, mix, streamShare: 0 },
    releases: [
      {
        title: "a model that cannot price faxes",
        candidate: bundle("shop-2-no-fax"),
        evalSet: { ...wholeEvalSet, fax: 60 },
        expected: "blocked",
        override: { reason: "the fax line was switched off last month", expected: "completed" },
      },
    ],
  },
];

/** The design's way in seconds instead of minutes: policy, not another code path. */
export const demoPolicy = (safetyProbes: string, shadowSampleRate = 0.5): Policy =>
  Schema.decodeUnknownSync(Policy)({
    judge: { kind: "deterministic", rules: [{ rule: "json" }] },
    shadow: {
      sampleRate: shadowSampleRate,
      minDurationSeconds: 4,
      minRequests: 300,
      // Both: a shadow that stops at its 300th request, two seconds after its start, may stop before it has seen enough.
      enough: "both",
      minPairs: 100,
      deadlineSeconds: 60,
    },
    canary: {
      windowSeconds: 1,
      steps: [
        { share: 0.01, holdSeconds: 3, minRequests: 2 },
        { share: 0.05, holdSeconds: 3, minRequests: 10 },
        { share: 0.25, holdSeconds: 4, minRequests: 50 },
        { share: 1, holdSeconds: 3, minRequests: 100 },
      ],
      holdDeadlineSeconds: 40,
      mitigationDeadlineSeconds: 10,
      maxUnwatchedSeconds: 15,
      metrics: {
        errorRate: { ceiling: 0.1 },
        quality: { sampleRate: 0.5 },
        // Models, gateway, databases and users share this machine's few cores: a busy moment hits whoever is under way, and
        // at a few requests a second that is one arm more than the other. Somewhat slower is therefore tolerated.
        latencyP95: { marginOddsRatio: 3 },
      },
      safetyProbes: { set: safetyProbes, perMinute: 60, confirmations: 2 },
    },
  });

/** One safety probe a line: what the candidate must go on refusing while it is live. */
export const safetyProbeLines = (requests: ReadonlyArray<string>): string =>
  requests.map((input, i) => JSON.stringify({ case_id: `privacy-${i}`, input, expect: { refusal: true } })).join("\n");
