import type { ArtifactStore } from "@sluice/artifact-store";
import type { ReleaseLog } from "@sluice/release-log";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { layerThread } from "./adapters/evaluation-thread.ts";
import { answerReleases } from "./application/answer-releases.ts";
import { expireOverrides } from "./application/expire-overrides.ts";
import { type GateSettingsInput, gateSettings } from "./settings.ts";

export interface RunningGate {
  readonly service: "gate";
}

/**
 * Starts the offline gate in the given scope: it answers every release in phase `requested`, once. Two gates, or a gate
 * that is started again, come to the same report and so to the same event. It also ends releases whose override is over. Needs the folded log and the artifact store.
 */
export const gateService = Effect.fn("gateService")(function* (
  input: GateSettingsInput = {},
): Effect.fn.Return<RunningGate, never, ReleaseLog | ArtifactStore | Scope.Scope> {
  const settings = gateSettings(input);
  yield* Effect.provide(answerReleases(settings), layerThread);
  yield* expireOverrides(settings);
  return { service: "gate" };
});
