import { timestampOf } from "@sluice/contracts";
import type { Refusal } from "@sluice/release";
import { ReleaseLog } from "@sluice/release-log";
import { onChangeOrTick } from "@sluice/release-log/on-change-or-tick";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import { overridesOver } from "../domain/gate-work.ts";
import type { GateSettings } from "../settings.ts";

/** Ends releases whose override was for a time that is over. The tick is the clock: nothing on the log says that it is late. */
export const expireOverrides = Effect.fn("expireOverrides")(function* (settings: GateSettings) {
  const log = yield* ReleaseLog;
  const look = Effect.gen(function* () {
    const at = timestampOf(yield* Clock.currentTimeMillis);
    for (const { releaseId, request } of overridesOver(log.applications(), at))
      yield* log.submit({ _tag: "ExpireOverride", application: request.application, releaseId, at }).pipe(
        // Another gate, an abort or a completion was first: normal.
        Effect.catchTag("Refusal", (refused: Refusal) => Effect.logDebug(refused.sentence)),
      );
  });
  yield* onChangeOrTick("gate overrides", look, settings.tickMs);
});
