import { epochMsOf, type GateReport, type OfflineEvidence } from "@sluice/contracts";
import { candidateOf, policyOf, type Release } from "@sluice/release";
import * as Result from "effect/Result";

/** Why evidence cannot be looked at, as the one reason of an `invalid` report. */
export interface EvidenceProblem {
  readonly rule: GateReport["reasons"][number]["rule"];
  readonly sentence: string;
}

/** Clocks of CI runners and of the registry may differ by this much without meaning anything. */
const CLOCK_SKEW_MS = 300_000;

const refuse = (rule: EvidenceProblem["rule"], sentence: string) => Result.fail({ rule, sentence });

/**
 * The evidence of a release, if it is about this candidate and the baseline of this moment, and not stale. What counts as
 * the baseline is what was fully released when the release became active, not when the evaluation ran.
 */
export const usableEvidence = (release: Release): Result.Result<OfflineEvidence, EvidenceProblem> => {
  const { evidence, at } = release.request;
  const candidate = candidateOf(release);
  const baseline = release.baseline?.digest;
  if (!evidence)
    return refuse("evidence", "The request came without offline evidence; evaluate both bundles and request again.");
  if (evidence.candidate.bundle !== candidate)
    return refuse(
      "digests",
      `The evidence is about candidate ${evidence.candidate.bundle}, the request about ${candidate}; evaluate that bundle.`,
    );
  if (evidence.baseline.bundle !== baseline)
    return refuse(
      "digests",
      `The evidence compares with baseline ${evidence.baseline.bundle}, but ${baseline ?? "no bundle"} is at 100 % now; ` +
        "evaluate against that one.",
    );
  const { maxEvidenceAgeSeconds } = policyOf(release).offline;
  const ageMs = epochMsOf(at) - epochMsOf(evidence.producedAt);
  if (ageMs > maxEvidenceAgeSeconds * 1_000)
    return refuse(
      "stale",
      `The evidence was produced at ${evidence.producedAt}, ${hours(ageMs)} before the request, and the policy allows ` +
        `${hours(maxEvidenceAgeSeconds * 1_000)} (maxEvidenceAgeSeconds); evaluate again.`,
    );
  if (ageMs < -CLOCK_SKEW_MS)
    return refuse(
      "stale",
      `The evidence claims to be from ${evidence.producedAt}, ${hours(-ageMs)} after the request; check the clock of the machine that made it.`,
    );
  return Result.succeed(evidence);
};

const hours = (durationMs: number): string => `${Number((durationMs / 3_600_000).toFixed(1))} h`;
