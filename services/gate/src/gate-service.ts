import type { ArtifactStore } from "@sluice/artifact-store";
import type { ReleaseLog } from "@sluice/release-log";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { layerThread } from "./adapters/evaluation-thread.ts";
import { answerReleases } from "./application/answer-releases.ts";
import { type GateSettingsInput, gateSettings } from "./settings.ts";

export interface RunningGate {
  readonly service: "gate";
}

/**
 * Starts the offline gate in the given scope: it answers every release in phase `requested`, once. Two gates, or a gate
 * that is started again, come to the same report and so to the same event. Needs the folded log and the artifact store.
 */
export const gateService = Effect.fn("gateService")(function* (
  input: GateSettingsInput = {},
): Effect.fn.Return<RunningGate, never, ReleaseLog | ArtifactStore | Scope.Scope> {
  yield* Effect.provide(answerReleases(gateSettings(input)), layerThread);
  return { service: "gate" };
});
