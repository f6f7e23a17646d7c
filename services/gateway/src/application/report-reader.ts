import { ReportedObservationsBody } from "@sluice/contracts";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { invalidRequest, modelNotFound, type OpenAiError } from "../domain/openai-error.ts";
import type { ReportIntake } from "./report-intake.ts";

const decode = Schema.decodeUnknownResult(Schema.fromJsonString(ReportedObservationsBody));

/** From the bytes of a report to its answer. */
export const reportReader =
  (intake: ReportIntake) =>
  (body: Buffer): Result.Result<{ readonly taken: number }, OpenAiError> => {
    const report = decode(body.toString("utf8"));
    if (Result.isFailure(report)) {
      const why = report.failure.message.replaceAll(/\s*\n\s*/g, " ").slice(0, 500);
      return Result.fail(invalidRequest(`The report cannot be read: ${why}`));
    }
    const { application, observations } = report.success;
    return intake.take(report.success)
      ? Result.succeed({ taken: observations.length })
      : Result.fail(modelNotFound(application));
  };
