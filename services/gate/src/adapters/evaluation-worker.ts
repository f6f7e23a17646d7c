import { parentPort, workerData } from "node:worker_threads";
import type { GateReport } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import { evaluateEvidence } from "../application/evaluate-evidence.ts";
import type { EvidenceJob } from "../application/evaluator.ts";

/** What the thread is given, and what it answers. Started by `layerThread` alone. */
export interface EvaluationMessages {
  readonly job: EvidenceJob;
  readonly report: GateReport;
}

const job: EvaluationMessages["job"] = workerData;
const report: EvaluationMessages["report"] = await Effect.runPromise(evaluateEvidence(job));
parentPort?.postMessage(report);
