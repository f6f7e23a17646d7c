import { releasesTopic } from "@sluice/contracts";
import { type ApplicationState, foldEvent } from "@sluice/release";
import * as Effect from "effect/Effect";
import type { MeasuredBus } from "./log-buses.ts";
import { releaseEvents, uncheckedReleases } from "./log-events.ts";

export interface ReplayMeasured {
  readonly writtenPerSecond: number;
  readonly replaySeconds: number;
  readonly folded: number;
  /** Resident memory before and after the replay, in MB. */
  readonly memoryMb: readonly [number, number];
}

const MB = 1_024 * 1_024;

/** What a service does at its start: every event that ever was, decoded, checked and folded. */
export const measureReplay = (measured: MeasuredBus, count: number) =>
  Effect.gen(function* () {
    const name = `bench.replay.${Date.now()}`;
    const outgoing = uncheckedReleases(name);
    const publisher = yield* measured.open;
    const writing = performance.now();
    let batch = [];
    for (const event of releaseEvents(count, 1_000)) {
      batch.push(event);
      if (batch.length < 2_000) continue;
      yield* publisher.publish(outgoing, batch);
      batch = [];
    }
    if (batch.length > 0) yield* publisher.publish(outgoing, batch);
    const writtenPerSecond = count / ((performance.now() - writing) / 1_000);

    const states = new Map<string, ApplicationState>();
    let folded = 0;
    const before = process.memoryUsage.rss();
    const replaying = performance.now();
    yield* Effect.scoped(
      Effect.gen(function* () {
        const bus = yield* measured.open;
        yield* bus.follow({ ...releasesTopic, name }, (received) =>
          Effect.sync(() => {
            for (const { event } of received) {
              const { state, refusal } = foldEvent(states, event);
              if (refusal) continue;
              states.set(event.application, state);
              folded += 1;
            }
          }),
        );
      }),
    );
    return {
      writtenPerSecond,
      replaySeconds: (performance.now() - replaying) / 1_000,
      folded,
      memoryMb: [before / MB, process.memoryUsage.rss() / MB],
    } satisfies ReplayMeasured;
  });
