import type { Refusal, ReleaseCommand } from "@sluice/release";
import { ReleaseLog } from "@sluice/release-log";
import * as Effect from "effect/Effect";

/** Submits a command. That somebody was first is normal; that the bus is away is not, and the next tick tries again. */
export const submit = Effect.fn("submit")(
  function* (command: ReleaseCommand) {
    const log = yield* ReleaseLog;
    const events = yield* log.submit(command);
    for (const event of events)
      yield* Effect.logInfo(event._tag).pipe(
        Effect.annotateLogs({
          application: command.application,
          ...("releaseId" in event && { releaseId: event.releaseId }),
        }),
      );
  },
  Effect.catchTag("Refusal", (refused: Refusal) => Effect.logDebug(`refused: ${refused.sentence}`)),
  Effect.catchTag("BusError", (error) => Effect.logWarning(`not published, trying again: ${error.message}`)),
);
