import { ArtifactStore, type ArtifactStoreError } from "@sluice/artifact-store";
import type { Digest, GateReport, OfflineEvidence } from "@sluice/contracts";
import { invalidGateReport } from "@sluice/evals";
import { policyOf, type Release } from "@sluice/release";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Result from "effect/Result";
import { type EvidenceProblem, usableEvidence } from "../domain/evidence-problem.ts";
import type { GateSettings } from "../settings.ts";
import { Evaluator, type EvaluatorError } from "./evaluator.ts";

/**
 * The gate's report on a release. Evidence that is missing, of other bundles, stale or undecodable makes an `invalid`
 * report; a store that cannot be reached is a failure, and no verdict.
 */
export const evaluateRelease = Effect.fn("evaluateRelease")(function* (
  release: Release,
  settings: GateSettings,
): Effect.fn.Return<GateReport, ArtifactStoreError | EvaluatorError, ArtifactStore | Evaluator> {
  const usable = usableEvidence(release);
  if (Result.isFailure(usable))
    return invalidGateReport(usable.failure.rule, usable.failure.sentence, release.request.evidence);
  const evidence = usable.success;
  const loaded = yield* Effect.result(loadResults(evidence));
  if (Result.isFailure(loaded)) {
    if (loaded.failure._tag === "ArtifactStoreError") return yield* loaded.failure;
    return invalidGateReport(loaded.failure.rule, loaded.failure.sentence, evidence);
  }
  const evaluator = yield* Evaluator;
  const { maxCases, maxResultBytes } = settings;
  const policy = policyOf(release).offline;
  return yield* evaluator.evaluate({ evidence, policy, ...loaded.success, maxCases, maxResultBytes });
});

type Missing = EvidenceProblem & { readonly _tag: "Missing" };

const loadResults = Effect.fnUntraced(function* (evidence: OfflineEvidence) {
  const baseline = yield* resultsOf("baseline", evidence.baseline.results);
  // One artifact for both arms is a paired file; a file of one arm is refused there, since it would compare with itself.
  const isPaired = evidence.baseline.results === evidence.candidate.results;
  return { baseline, candidate: isPaired ? null : yield* resultsOf("candidate", evidence.candidate.results) };
});

const resultsOf = Effect.fnUntraced(function* (arm: "baseline" | "candidate", digest: Digest) {
  const store = yield* ArtifactStore;
  const bytes = yield* store.get(digest);
  if (Option.isSome(bytes)) return bytes.value;
  const missing: Missing = {
    _tag: "Missing",
    rule: "evidence",
    sentence: `The results of the ${arm} (${digest}) are not in the artifact store; put them there, then request again.`,
  };
  return yield* Effect.fail(missing);
});
