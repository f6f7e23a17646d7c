import { type ReleaseEvent, type Routing, referenceOf, releasesTopic } from "@sluice/contracts";
import { EventBus } from "@sluice/event-bus/event-bus";
import { registryService } from "@sluice/registry";
import { bundle, ports, store, tokens } from "@sluice/registry/testing/registry-in-memory";
import { application, author, event } from "@sluice/release/testing/samples";
import type * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Layer from "effect/Layer";
import * as Scope from "effect/Scope";

export { bundle };

export interface RunningRegistry {
  readonly address: string;
  readonly token: string;
  readonly bus: Context.Context<EventBus>;
  readonly publish: (events: ReadonlyArray<ReleaseEvent>) => Promise<void>;
  /** Stops serving; what it knows stays, for `start`. */
  readonly stop: () => Promise<void>;
  readonly start: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** The real registry over HTTP on stores in memory, with the bundles `old` and `new` stored and `old` registered. */
export const startRegistry = async (): Promise<RunningRegistry> => {
  const portsScope = Effect.runSync(Scope.make());
  const context = await Effect.runPromise(Layer.buildWithScope(ports, portsScope));
  let scope = Effect.runSync(Scope.make());
  let port = 0;
  const serve = async () => {
    scope = Effect.runSync(Scope.make());
    const service = registryService({ port, tokens, streamHeartbeatMs: 50 });
    const { address } = await Effect.runPromise(
      service.pipe(Effect.provideService(Scope.Scope, scope), Effect.provideContext(context)),
    );
    port = Number(new URL(address).port);
    return address;
  };
  const address = await serve();
  for (const prompt of ["old", "new"]) await store(address, bundle(prompt));
  const publish = (events: ReadonlyArray<ReleaseEvent>) =>
    Effect.runPromise(
      Effect.flatMap(EventBus, (bus) => bus.publish(releasesTopic, events)).pipe(Effect.provideContext(context)),
    );
  const stop = () => Effect.runPromise(Scope.close(scope, Exit.void));
  await publish([
    event("ApplicationRegistered", { application, baseline: referenceOf(bundle("old")), author: author("admin") }),
  ]);
  return {
    address,
    token: "token-of-viewer",
    bus: context,
    publish,
    stop,
    start: async () => void (await serve()),
    close: async () => {
      await stop();
      await Effect.runPromise(Scope.close(portsScope, Exit.void));
    },
  };
};

/** The gateway's routing of the same application, with the candidate at a share. */
export const routingAt = (share: number, version = 1): Routing => {
  const routed = (prompt: string) => ({ digest: referenceOf(bundle(prompt)).digest, bundle: bundle(prompt) });
  return {
    _tag: "RoutingChanged",
    application,
    version,
    at: "2026-01-01T00:00:00.000Z",
    baseline: routed("old"),
    candidate: {
      ...routed("new"),
      releaseId: "rel-1",
      salt: "rel-1",
      share,
      mirror: null,
      payloadSampleRate: 1,
      maxUnwatchedSeconds: 60,
    },
  };
};
