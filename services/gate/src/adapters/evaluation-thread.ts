import { Worker } from "node:worker_threads";
import { invalidGateReport } from "@sluice/evals";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { Evaluator, EvaluatorError, type EvidenceJob } from "../application/evaluator.ts";
import type { EvaluationMessages } from "./evaluation-worker.ts";

/** 1,000,000 cases fit. */
const MAX_HEAP_MB = 2_048;

/** The longest evaluation within the bounds took 20 s. */
const TIMEOUT = "5 minutes";

/**
 * Each evaluation in a thread of its own, which ends with it: embedded, a gateway shares the process, and must not wait
 * while the gate computes. Evidence that does not fit into the thread's memory is unusable; any other end of the thread says
 * nothing about the evidence.
 */
const evaluate = (job: EvidenceJob): Effect.Effect<EvaluationMessages["report"], EvaluatorError> =>
  Effect.callback<EvaluationMessages["report"], EvaluatorError>((resume) => {
    const worker = new Worker(new URL("./evaluation-worker.ts", import.meta.url), {
      workerData: job,
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    });
    worker.once("message", (report: EvaluationMessages["report"]) => resume(Effect.succeed(report)));
    worker.once("error", (error) => resume(endOf(job, error)));
    worker.once("exit", (code) =>
      resume(Effect.fail(new EvaluatorError({ message: `the evaluation's thread ended with code ${code}` }))),
    );
    return Effect.promise(() => worker.terminate());
  }).pipe(
    Effect.timeoutOrElse({
      duration: TIMEOUT,
      orElse: () => Effect.fail(new EvaluatorError({ message: `the evaluation took longer than ${TIMEOUT}` })),
    }),
  );

const endOf = (job: EvidenceJob, error: unknown): Effect.Effect<EvaluationMessages["report"], EvaluatorError> => {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ERR_WORKER_OUT_OF_MEMORY")
    return Effect.succeed(
      invalidGateReport(
        "evidence",
        `The results need more than ${MAX_HEAP_MB} MiB of memory; leave inputs and outputs out, or split the eval set.`,
        job.evidence,
      ),
    );
  const message = error instanceof Error ? error.message : String(error);
  return Effect.fail(new EvaluatorError({ message: `the evaluation failed: ${message}` }));
};

export const layerThread: Layer.Layer<Evaluator> = Layer.succeed(Evaluator, { evaluate });
