import { ReleaseLog } from "@sluice/release-log";
import type { TokenStoreError } from "@sluice/token-store";
import * as Clock from "effect/Clock";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type { Ports } from "./adapters/http/answer.ts";
import { eventStream } from "./adapters/http/event-stream.ts";
import { httpServer } from "./adapters/http/server.ts";
import { layerWorkflowTokens } from "./adapters/oidc/workflow-tokens.ts";
import { postState } from "./adapters/webhooks/standard-webhook.ts";
import { AuditLog, startAuditLog } from "./application/audit-log.ts";
import { makeAuthenticator } from "./application/authenticator.ts";
import { followProgress } from "./application/canary-progress.ts";
import { startErasures } from "./application/erasures.ts";
import { startRecorder } from "./application/recorder.ts";
import { followReleaseStates } from "./application/release-states.ts";
import { firstAdminToken, hasAdmin } from "./application/tokens.ts";
import { startWebhooks } from "./application/webhooks.ts";
import { type RegistrySettings, type RegistrySettingsInput, registrySettings } from "./settings.ts";

export class ListenError extends Schema.TaggedError<ListenError>()("ListenError", { message: Schema.String }) {}

export interface RunningRegistry {
  /** Such as `http://127.0.0.1:4400`. */
  readonly address: string;
  readonly hasAdmin: Effect.Effect<boolean, TokenStoreError>;
  /**
   * Makes a token for the first admin where nobody is one. For whoever shows it, once all has started: a token that nobody
   * saw would lock everybody out.
   */
  readonly firstAdminToken: Effect.Effect<string | null, TokenStoreError>;
}

/** Starts the registry in the scope and returns once the log is folded and the server listens. */
export const registryService = (input: RegistrySettingsInput) => {
  const settings = registrySettings(input);
  return Effect.provide(start(settings), layerWorkflowTokens(settings.oidc));
};

const start = Effect.fn("registryService")(function* (settings: RegistrySettings) {
  const recorder = yield* startRecorder(settings);
  const progress = yield* followProgress();
  const audit = yield* startAuditLog(settings, recorder);
  const context = Context.add(yield* Effect.context<Exclude<Ports, AuditLog>>(), AuditLog, audit);
  const log = yield* ReleaseLog;
  const recorded = Effect.suspend(() => recorder.reached(log.applications()));
  // Kept from request to request, so that the lag is timed from its start also when nobody asks whether all is well.
  const behindMs = Effect.map(Clock.currentTimeMillis, (nowMs) => recorder.behindMs(log.applications(), nowMs));
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(behindMs, Effect.sleep("1 second"))));
  const authenticator = yield* makeAuthenticator(settings);
  const stream = eventStream(settings, recorder, progress, context);
  const states = yield* followReleaseStates();
  yield* startErasures(settings.maxRetryMs);
  yield* startWebhooks(settings.webhooks, postState);
  const parts = { settings, context, authenticator, states, recorded, behindMs, progress, stream };
  const app = yield* Effect.promise(() => httpServer(parts));
  const address = yield* Effect.acquireRelease(
    Effect.tryPromise({
      try: () => app.listen({ host: settings.host, port: settings.port }),
      catch: (cause) =>
        new ListenError({
          message: cannotListen(
            settings,
            cause instanceof Error && "code" in cause ? String(cause.code) : String(cause),
          ),
        }),
    }),
    () => Effect.promise(() => app.close()),
  );
  return {
    address,
    hasAdmin: Effect.provideContext(hasAdmin(settings.tokens), context),
    firstAdminToken: Effect.provideContext(firstAdminToken(settings.tokens), context),
  } satisfies RunningRegistry;
});

const cannotListen = ({ host, port }: RegistrySettings, code: string): string => {
  const advice: Readonly<Record<string, string>> = {
    EADDRINUSE: "stop what listens there, or choose another port",
    EACCES: "choose a port from 1024 on",
  };
  return `the registry cannot listen on ${host}:${port} (${code}): ${advice[code] ?? "choose an address of this machine"}`;
};
