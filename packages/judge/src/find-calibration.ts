import { ArtifactStore, type ArtifactStoreError } from "@sluice/artifact-store";
import { JudgeCalibrationRecord, type Policy } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import type { FoundCalibration } from "./domain/judge-trust.ts";

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(JudgeCalibrationRecord));

/** What the policy's calibration is. An artifact never changes, so what was found once is not asked for again. */
export const calibrationFinder = Effect.gen(function* () {
  const artifacts = yield* ArtifactStore;
  const found = new Map<string, JudgeCalibrationRecord | "not-a-calibration">();
  return Effect.fnUntraced(function* ({
    judgeTrust: { calibration },
  }: Policy): Effect.fn.Return<FoundCalibration, ArtifactStoreError> {
    if (calibration === null) return "none-named";
    const known = found.get(calibration);
    if (known) return known;
    const stored = yield* artifacts.get(calibration);
    if (Option.isNone(stored)) return "not-stored";
    const record = Option.getOrElse(
      decode(new TextDecoder().decode(stored.value)),
      (): "not-a-calibration" => "not-a-calibration",
    );
    found.set(calibration, record);
    return record;
  });
});
