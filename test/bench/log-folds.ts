import { releasesTopic } from "@sluice/contracts";
import { type ApplicationState, foldEvent } from "@sluice/release";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import type { MeasuredBus } from "./log-buses.ts";
import { quantile, releaseEvents, uncheckedReleases } from "./log-events.ts";

/** As many as there are services. */
const FOLDS = 5;

export interface FoldsMeasured {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly perSecond: number;
}

/** From the publication of one event until all folds have it, one after the other; then as many as go through in bulk. */
export const measureFolds = (measured: MeasuredBus, single: number, bulk: number) =>
  Effect.gen(function* () {
    const name = `bench.folds.${Date.now()}`;
    const topic = { ...releasesTopic, name };
    const outgoing = uncheckedReleases(name);
    const counts = new Array<number>(FOLDS).fill(0);
    let wanted = Number.POSITIVE_INFINITY;
    let reached = yield* Deferred.make<void>();
    const refusals = new Set<string>();
    for (let fold = 0; fold < FOLDS; fold++) {
      const bus = yield* measured.open;
      const states = new Map<string, ApplicationState>();
      yield* bus.follow(topic, (batch) =>
        Effect.sync(() => {
          for (const { event } of batch) {
            const { state, refusal } = foldEvent(states, event);
            if (refusal) refusals.add(refusal.sentence);
            else states.set(event.application, state);
          }
          counts[fold] = (counts[fold] ?? 0) + batch.length;
          if (counts.every((count) => count >= wanted)) Deferred.doneUnsafe(reached, Effect.void);
        }),
      );
    }
    const publisher = yield* measured.open;
    const events = [...releaseEvents(single + bulk, 50)];
    const latencies: Array<number> = [];
    for (const [i, event] of events.slice(0, single).entries()) {
      wanted = i + 1;
      reached = yield* Deferred.make<void>();
      const before = performance.now();
      yield* publisher.publish(outgoing, [event]);
      yield* Deferred.await(reached);
      latencies.push(performance.now() - before);
    }
    wanted = single + bulk;
    reached = yield* Deferred.make<void>();
    const before = performance.now();
    for (let from = single; from < events.length; from += 500)
      yield* publisher.publish(outgoing, events.slice(from, from + 500));
    yield* Deferred.await(reached);
    const seconds = (performance.now() - before) / 1_000;
    if (refusals.size > 0) return yield* Effect.die(new Error(`${refusals.size} refusals: ${[...refusals][0]}`));
    latencies.sort((one, other) => one - other);
    return {
      p50Ms: quantile(latencies, 0.5),
      p99Ms: quantile(latencies, 0.99),
      perSecond: bulk / seconds,
    } satisfies FoldsMeasured;
  });
