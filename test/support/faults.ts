import { setTimeout as delay } from "node:timers/promises";
import { gatewaysTopic, judgementsTopic, observationsTopic, releasesTopic, type Topic } from "@sluice/contracts";
import { EventBus } from "@sluice/event-bus";
import { layerKafka } from "@sluice/event-bus/kafka-event-bus";
import * as Effect from "effect/Effect";
import type { DistributedStack, ServiceName } from "./distributed-stack.ts";

/** Starts it again and again until it serves, as an orchestrator does. */
const startAgain = async (stack: DistributedStack, name: ServiceName): Promise<void> => {
  for (;;) {
    try {
      return await stack.service(name).start();
    } catch {
      await delay(500);
    }
  }
};

/** Long enough for some lives to serve for a while, and for others to end while they start. */
const LONGEST_LIFE_MS = 8_000;

/**
 * kill -9 at random instants, until `kills` are done or the releases are over; whoever was killed is started again. Answers
 * with how many there were: each of them met a release on its way.
 */
export const killWhile = async (
  stack: DistributedStack,
  name: ServiceName,
  { kills, ended }: { readonly kills: number; readonly ended: AbortSignal },
): Promise<number> => {
  const service = stack.service(name);
  let starting: Promise<void> | null = null;
  let killed = 0;
  while (killed < kills) {
    await delay(Math.random() * LONGEST_LIFE_MS, undefined, { signal: ended }).catch(() => {});
    if (ended.aborted) break;
    if (!service.isRunning) continue;
    await service.end("SIGKILL");
    killed += 1;
    // Whoever is killed while it starts is started again by who started it.
    starting ??= startAgain(stack, name).finally(() => {
      starting = null;
    });
  }
  await starting;
  return killed;
};

/** A server that everything depends on is away for so long. */
export const outage = async (
  server: { readonly stop: () => Promise<unknown>; readonly start: () => Promise<void> },
  ms: number,
): Promise<void> => {
  await server.stop();
  await delay(ms);
  await server.start();
};

/** Services that could not be started while a server was away. */
export const reviveAll = async (stack: DistributedStack): Promise<void> => {
  await Promise.all(
    [...stack.services].map(([name, service]) => (service.isRunning ? undefined : startAgain(stack, name))),
  );
};

/** Events already delivered come again, in any order, until the releases are over. */
export const repeatDeliveries = (stack: DistributedStack, ended: AbortSignal): Promise<void> =>
  Effect.runPromise(
    Effect.gen(function* () {
      const bus = yield* EventBus;
      const repeat = Effect.fnUntraced(function* <Event extends { readonly _tag: string }>(topic: Topic<Event>) {
        const delivered: Array<Event> = [];
        yield* bus.follow(topic, (batch) => Effect.sync(() => void delivered.push(...batch.map(({ event }) => event))));
        return Effect.suspend(() => {
          const again = Array.from(
            { length: Math.min(20, delivered.length) },
            () => delivered[Math.floor(Math.random() * delivered.length)],
          );
          return bus.publish(
            topic,
            again.filter((event) => event !== undefined),
          );
        });
      });
      const repeats = [
        yield* repeat(releasesTopic),
        yield* repeat(observationsTopic),
        yield* repeat(judgementsTopic),
        yield* repeat(gatewaysTopic),
      ];
      while (!ended.aborted) {
        for (const again of repeats) yield* again;
        yield* Effect.sleep("200 millis");
      }
    }).pipe(Effect.scoped, Effect.provide(layerKafka({ brokers: stack.broker.brokers }))),
  );
