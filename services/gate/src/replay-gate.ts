import type { ArtifactStore } from "@sluice/artifact-store";
import type { GateReport } from "@sluice/contracts";
import type { Release } from "@sluice/release";
import * as Effect from "effect/Effect";
import { evaluateRelease } from "./application/evaluate-release.ts";
import { Evaluator } from "./application/evaluator.ts";
import { gateSettings } from "./settings.ts";

/** The gate's report on a release as it stood then, made anew in this thread from the artifacts that it rested on. */
export const replayGate = (release: Release): Effect.Effect<GateReport, { readonly message: string }, ArtifactStore> =>
  Effect.provide(evaluateRelease(release, gateSettings({})), Evaluator.layerInline);
