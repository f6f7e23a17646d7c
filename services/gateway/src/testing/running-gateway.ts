import {
  type GatewayReport,
  gatewaysTopic,
  type Observation,
  type ObservationEvent,
  observationsTopic,
  type Routing,
  routingTopic,
  type ShadowPairRecorded,
} from "@sluice/contracts";
import { EventBus, layerMemory } from "@sluice/event-bus";
import type * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Layer from "effect/Layer";
import * as Scope from "effect/Scope";
import { gatewayService } from "../gateway-service.ts";
import { type GatewaySettingsInput, gatewaySettings } from "../settings.ts";

export interface RunningTestGateway {
  readonly address: string;
  readonly gatewayId: string;
  readonly batches: Array<ObservationEvent>;
  readonly reports: Array<GatewayReport>;
  readonly observations: () => ReadonlyArray<Observation>;
  readonly pairs: () => ReadonlyArray<ShadowPairRecorded>;
  /** Publishes, and returns once the gateway has acknowledged it. */
  readonly route: (routing: Routing) => Promise<void>;
  readonly publish: (routing: Routing) => Promise<void>;
  readonly stop: () => Promise<void>;
  readonly bus: Context.Context<EventBus>;
}

export interface StartOptions {
  readonly settings: GatewaySettingsInput;
  readonly routings?: ReadonlyArray<Routing>;
  /** A bus that outlives the gateway. */
  readonly bus?: Context.Context<EventBus>;
  /** The bus is down: nothing that is published can be listened to. */
  readonly deaf?: boolean;
}

export const makeBus = async (): Promise<Context.Context<EventBus>> => {
  const scope = Effect.runSync(Scope.make());
  return Effect.runPromise(Layer.buildWithScope(layerMemory, scope));
};

/** The real service on the in-memory bus, with everything it publishes collected. */
export const startGateway = async ({
  settings,
  routings = [],
  bus,
  deaf = false,
}: StartOptions): Promise<RunningTestGateway> => {
  const scope = Effect.runSync(Scope.make());
  const context = bus ?? (await makeBus());
  const run = <A, E>(effect: Effect.Effect<A, E, EventBus | Scope.Scope>): Promise<A> =>
    Effect.runPromise(effect.pipe(Effect.provideService(Scope.Scope, scope), Effect.provideContext(context)));
  const batches: Array<ObservationEvent> = [];
  const reports: Array<GatewayReport> = [];
  const publish = (routing: Routing) =>
    run(Effect.flatMap(EventBus, (service) => service.publish(routingTopic, [routing])));
  for (const routing of routings) await publish(routing);
  const listen = Effect.gen(function* () {
    const service = yield* EventBus;
    yield* service.follow(observationsTopic, (batch) => Effect.sync(() => batches.push(...batch.map(eventOf))));
    yield* service.follow(gatewaysTopic, (batch) => Effect.sync(() => reports.push(...batch.map(eventOf))));
  });
  if (!deaf) await run(listen);
  const serviceScope = Effect.runSync(Scope.make());
  const running = await Effect.runPromise(
    gatewayService(gatewaySettings({ port: 0, flushIntervalMs: 20, reportIntervalMs: 100, ...settings })).pipe(
      Effect.provideService(Scope.Scope, serviceScope),
      Effect.provideContext(context),
    ),
  );
  // What was in the topic is no sign of life: the controller's repetition is.
  for (const routing of routings) await publish(routing);
  return {
    ...running,
    batches,
    reports,
    observations: () => batches.flatMap((event) => (event._tag === "ObservationsRecorded" ? event.observations : [])),
    pairs: () => batches.filter((event) => event._tag === "ShadowPairRecorded"),
    publish,
    route: async (routing) => {
      await publish(routing);
      await until(() => (reports.at(-1)?.routing[routing.application] ?? -1) >= routing.version);
    },
    stop: async () => {
      await Effect.runPromise(Scope.close(serviceScope, Exit.void));
      if (!deaf) await until(() => reports.some(({ live, gatewayId }) => !live && gatewayId === running.gatewayId));
      await Effect.runPromise(Scope.close(scope, Exit.void));
    },
    bus: context,
  };
};

const eventOf = <Event>({ event }: { readonly event: Event }): Event => event;

/** Waits for a condition; fails after ten seconds. */
export const until = async (condition: () => boolean, what = "the condition"): Promise<void> => {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited 10 s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};
