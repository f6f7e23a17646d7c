import type { GateReport, OfflineEvidence, Policy } from "@sluice/contracts";
import * as Context from "effect/Context";
import type * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import { evaluateEvidence } from "./evaluate-evidence.ts";

/** The evaluation could not be carried out: there is no report, and none may be assumed. */
export class EvaluatorError extends Schema.TaggedError<EvaluatorError>()("EvaluatorError", {
  message: Schema.String,
}) {}

export interface EvidenceJob {
  readonly evidence: OfflineEvidence;
  readonly policy: Policy["offline"];
  readonly baseline: Uint8Array;
  /** Null when one file holds both arms. */
  readonly candidate: Uint8Array | null;
  readonly maxCases: number;
  readonly maxResultBytes: number;
}

/** Makes the report on evidence that is there. Heavy: 100,000 cases take a second of a core. */
export class Evaluator extends Context.Service<
  Evaluator,
  { readonly evaluate: (job: EvidenceJob) => Effect.Effect<GateReport, EvaluatorError> }
>()("@sluice/gate/Evaluator") {
  /** In the calling thread, which waits meanwhile. For tests. */
  static readonly layerInline = Layer.succeed(Evaluator, { evaluate: evaluateEvidence });
}
