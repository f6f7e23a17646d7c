import type { GateReport } from "@sluice/contracts";
import {
  bytesSource,
  type CaseFileError,
  type CaseTableSource,
  defaultLimits,
  evaluateGate,
  invalidGateReport,
  readCaseTable,
} from "@sluice/evals";
import * as Effect from "effect/Effect";
import { boundedReport } from "../domain/bounded-report.ts";
import type { EvidenceJob } from "./evaluator.ts";

/** The report on result files in memory; files that cannot be decoded make it `invalid`. */
export const evaluateEvidence = (job: EvidenceJob): Effect.Effect<GateReport> => {
  const limits = { ...defaultLimits, maxCases: job.maxCases, maxBytes: job.maxResultBytes };
  return readCaseTable(sourceOf(job), { limits }).pipe(
    Effect.map((table) => boundedReport(evaluateGate(table, job.policy, { evidence: job.evidence }))),
    Effect.catchTag("CaseFileError", (error: CaseFileError) =>
      Effect.succeed(invalidGateReport("evidence", `The results could not be used: ${error.message}`, job.evidence)),
    ),
  );
};

const sourceOf = ({ evidence, baseline, candidate }: EvidenceJob): CaseTableSource => {
  const of = (arm: "baseline" | "candidate", bytes: Uint8Array) =>
    bytesSource(`results of the ${arm} (${evidence[arm].results})`, bytes);
  return candidate
    ? { baseline: { source: of("baseline", baseline) }, candidate: { source: of("candidate", candidate) } }
    : { pairs: of("baseline", baseline) };
};
