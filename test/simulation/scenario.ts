import {
  type Bundle,
  canonicalJson,
  digestOfBytes,
  type GateReport,
  type OfflineEvidence,
  Policy,
  referenceOf,
} from "@sluice/contracts";
import { gateReport } from "@sluice/release/testing/samples";
import * as Schema from "effect/Schema";
import type { Random } from "./random.ts";

export const APPLICATION = "support-bot";

/** What a candidate is like. No part of Sluice is told: it has to find out. */
export const kinds = ["healthy", "blocked", "worse", "failing", "mislabelled", "silent"] as const;
export type Kind = (typeof kinds)[number];

export const policy = (whileActive: Policy["whileActive"]): Policy =>
  Schema.decodeUnknownSync(Policy)({
    shadow: { minDurationSeconds: 2, minRequests: 10, minPairs: 40, deadlineSeconds: 90 },
    canary: {
      windowSeconds: 1,
      steps: [
        { share: 0.25, holdSeconds: 3, minRequests: 8 },
        { share: 1, holdSeconds: 3, minRequests: 8 },
      ],
      holdDeadlineSeconds: 30,
      mitigationDeadlineSeconds: 8,
      maxUnwatchedSeconds: 12,
      metrics: { quality: { sampleRate: 0, weight: 0 }, errorRate: { ceiling: 0.5 } },
    },
    whileActive,
  });

const bundleOf = (name: string): Bundle => ({
  prompt: { kind: "prompt", messages: [{ role: "system", content: name }] },
  model: { kind: "model", provider: "simulated", model: "m", parameters: {} },
});

export interface Candidate {
  readonly name: string;
  readonly kind: Kind;
  readonly bundle: Bundle;
  readonly digest: string;
}

const candidateOf = (name: string, kind: Kind): Candidate => {
  const bundle = bundleOf(name);
  return { name, kind, bundle, digest: referenceOf(bundle).digest };
};

/** The bundle that is served at first, and the candidates that are requested one after the other. */
export const castOf = (random: Random) => {
  const baseline = candidateOf("first", "healthy");
  const candidates = [candidateOf("second", random.oneOf(kinds)), candidateOf("third", random.oneOf(kinds))];
  const byDigest = new Map([baseline, ...candidates].map((one) => [one.digest, one]));
  return { baseline, candidates, kindOf: (digest: string): Kind => byDigest.get(digest)?.kind ?? "healthy" };
};
export type Cast = ReturnType<typeof castOf>;

/** Result files that the gate finds in the store; what they say is up to the simulated evaluator. */
export const results = canonicalJson({ simulated: "results" });
export const evidenceOf = (baseline: string, candidate: string, producedAt: string): OfflineEvidence => ({
  evalSet: digestOfBytes("eval set"),
  producedAt,
  baseline: { bundle: baseline, results: digestOfBytes(results) },
  candidate: { bundle: candidate, results: digestOfBytes(results) },
});

export const reportOn = (cast: Cast, evidence: OfflineEvidence): GateReport => ({
  ...gateReport(cast.kindOf(evidence.candidate.bundle) === "blocked" ? "blocked" : "passed"),
  evidence,
});
