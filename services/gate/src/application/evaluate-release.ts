import { ArtifactStore, type ArtifactStoreError } from "@sluice/artifact-store";
import type { Digest, GateReport, OfflineEvidence } from "@sluice/contracts";
import {
  bytesSource,
  type CaseFileError,
  type CaseTableSource,
  defaultLimits,
  evaluateGate,
  invalidGateReport,
  readCaseTable,
} from "@sluice/evals";
import { policyOf, type Release } from "@sluice/release";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Result from "effect/Result";
import { boundedReport } from "../domain/bounded-report.ts";
import { type EvidenceProblem, usableEvidence } from "../domain/evidence-problem.ts";
import type { GateSettings } from "../settings.ts";

/**
 * The gate's report on a release. Evidence that is missing, of other bundles, stale or undecodable makes an `invalid`
 * report; a store that cannot be reached is a failure, and no verdict.
 */
export const evaluateRelease = Effect.fn("evaluateRelease")(function* (
  release: Release,
  settings: GateSettings,
): Effect.fn.Return<GateReport, ArtifactStoreError, ArtifactStore> {
  const usable = usableEvidence(release);
  if (Result.isFailure(usable))
    return invalidGateReport(usable.failure.rule, usable.failure.sentence, release.request.evidence);
  const evidence = usable.success;
  const loaded = yield* Effect.result(loadResults(evidence));
  if (Result.isFailure(loaded)) {
    if (loaded.failure._tag === "ArtifactStoreError") return yield* loaded.failure;
    return invalidGateReport(loaded.failure.rule, loaded.failure.sentence, evidence);
  }
  const limits = { ...defaultLimits, maxCases: settings.maxCases, maxBytes: settings.maxResultBytes };
  return yield* readCaseTable(loaded.success, { limits }).pipe(
    Effect.map((table) => boundedReport(evaluateGate(table, policyOf(release).offline, { evidence }))),
    Effect.catchTag("CaseFileError", (error: CaseFileError) =>
      Effect.succeed(invalidGateReport("evidence", `The results could not be used: ${error.message}`, evidence)),
    ),
  );
});

type Missing = EvidenceProblem & { readonly _tag: "Missing" };

const loadResults = Effect.fnUntraced(function* (
  evidence: OfflineEvidence,
): Effect.fn.Return<CaseTableSource, ArtifactStoreError | Missing, ArtifactStore> {
  const baseline = yield* resultsOf("baseline", evidence.baseline.results);
  // One artifact for both arms is a paired file; a file of one arm is refused there, since it would compare with itself.
  if (evidence.baseline.results === evidence.candidate.results) return { pairs: baseline };
  const candidate = yield* resultsOf("candidate", evidence.candidate.results);
  return { baseline: { source: baseline }, candidate: { source: candidate } };
});

const resultsOf = Effect.fnUntraced(function* (arm: "baseline" | "candidate", digest: Digest) {
  const store = yield* ArtifactStore;
  const bytes = yield* store.get(digest);
  if (Option.isSome(bytes)) return bytesSource(`results of the ${arm} (${digest})`, bytes.value);
  const missing: Missing = {
    _tag: "Missing",
    rule: "evidence",
    sentence: `The results of the ${arm} (${digest}) are not in the artifact store; put them there, then request again.`,
  };
  return yield* Effect.fail(missing);
});
