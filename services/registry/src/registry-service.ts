import { ReleaseLog } from "@sluice/release-log";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { eventStream } from "./adapters/http/event-stream.ts";
import type { Ports } from "./adapters/http/handlers.ts";
import { httpServer } from "./adapters/http/server.ts";
import { followProgress } from "./application/canary-progress.ts";
import { startRecorder } from "./application/recorder.ts";
import { type RegistrySettingsInput, registrySettings } from "./settings.ts";

export class ListenError extends Schema.TaggedError<ListenError>()("ListenError", { message: Schema.String }) {}

export interface RunningRegistry {
  /** Such as `http://127.0.0.1:4400`. */
  readonly address: string;
}

/** Starts the registry in the scope and returns once the log is folded and the server listens. */
export const registryService = Effect.fn("registryService")(function* (input: RegistrySettingsInput) {
  const settings = registrySettings(input);
  const recorder = yield* startRecorder(settings);
  const progress = yield* followProgress();
  const context = yield* Effect.context<Ports>();
  const log = yield* ReleaseLog;
  const recorded = Effect.suspend(() => recorder.reached(log.applications()));
  // Kept from request to request, so that the lag is timed from its start also when nobody asks whether all is well.
  const behindMs = Effect.map(Clock.currentTimeMillis, (nowMs) => recorder.behindMs(log.applications(), nowMs));
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(behindMs, Effect.sleep("1 second"))));
  const app = httpServer({
    settings,
    context,
    progress,
    recorded,
    behindMs,
    stream: eventStream(settings, recorder, progress, context),
  });
  const address = yield* Effect.acquireRelease(
    Effect.tryPromise({
      try: () => app.listen({ host: settings.host, port: settings.port }),
      catch: (cause) =>
        new ListenError({
          message: `the registry cannot listen on ${settings.host}:${settings.port}: ${cause instanceof Error ? cause.message : String(cause)}`,
        }),
    }),
    () => Effect.promise(() => app.close()),
  );
  return { address } satisfies RunningRegistry;
});
