import { ArtifactStore } from "@sluice/artifact-store";
import { canonicalJson, type ShadowInputs } from "@sluice/contracts";
import { policyOf, type Release } from "@sluice/release";
import { ReleaseLog } from "@sluice/release-log";
import * as Effect from "effect/Effect";
import { evaluateShadow } from "../domain/evaluate-shadow.ts";

/** Stores what the decision depends on, then decides and submits: evidence never points at inputs that are not there. */
export const recordVerdict = Effect.fnUntraced(function* (release: Release, inputs: ShadowInputs) {
  const artifacts = yield* ArtifactStore;
  const log = yield* ReleaseLog;
  const digest = yield* artifacts.put(canonicalJson(inputs));
  const { decision, evidence } = evaluateShadow(inputs, policyOf(release), digest);
  if (decision === "wait") return;
  yield* log.submit({
    _tag: "RecordShadowVerdict",
    application: release.request.application,
    releaseId: release.releaseId,
    at: inputs.decidedAt,
    verdict: decision,
    evidence,
  });
  yield* Effect.logInfo("shadow decided").pipe(Effect.annotateLogs({ verdict: decision, pairs: evidence.pairs }));
});
