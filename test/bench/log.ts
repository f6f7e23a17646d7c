import { parseArgs } from "node:util";
import * as Effect from "effect/Effect";
import { measuredBuses } from "./log-buses.ts";
import { measureFolds } from "./log-folds.ts";
import { measureObservations } from "./log-observations.ts";
import { measureReplay } from "./log-replay.ts";

// `pnpm bench:log`: events through the log to all folds, observations from the gateway's buffer to ClickHouse, and the replay
// of a long log, on both buses. `--part` selects one, `--bus` one bus.
const { values } = parseArgs({
  options: {
    part: { type: "string", default: "folds,observations,replay" },
    bus: { type: "string", default: "" },
    single: { type: "string", default: "500" },
    bulk: { type: "string", default: "50000" },
    rate: { type: "string", default: "6000" },
    seconds: { type: "string", default: "45" },
    replay: { type: "string", default: "1000000" },
  },
});
const parts = new Set(values.part.split(","));
const number = (text: string) => Number(text.replaceAll("_", ""));

const program = Effect.gen(function* () {
  for (const bus of yield* measuredBuses) {
    if (!bus.name.toLowerCase().includes(values.bus.toLowerCase())) continue;
    if (parts.has("folds")) {
      const folds = yield* Effect.scoped(measureFolds(bus, number(values.single), number(values.bulk)));
      console.log(
        `${bus.name}: one event to all 5 folds p50 ${folds.p50Ms.toFixed(1)} ms, p99 ${folds.p99Ms.toFixed(1)} ms; in bulk ${folds.perSecond.toFixed(0)} events/s to all 5`,
      );
    }
    // ClickHouse's interface needs the distributed mode; the embedded stack's ingest has a benchmark of its own.
    if (parts.has("observations") && bus.brokers.length > 0) {
      const seen = yield* Effect.scoped(measureObservations(bus, number(values.rate), number(values.seconds)));
      console.log(
        `${bus.name}: ${seen.perSecond.toFixed(0)} observations/s for ${values.seconds} s into ClickHouse, ${seen.stored} stored; behind by ${seen.lag.median} (median), ${seen.lag.highest} (highest), ${seen.lag.atEnd} at the end, drained in ${seen.drainSeconds.toFixed(1)} s; memory, evenly over the time, ${seen.memoryMb.map((mb) => mb.toFixed(0)).join(", ")} MB`,
      );
    }
    if (parts.has("replay")) {
      const replay = yield* Effect.scoped(measureReplay(bus, number(values.replay)));
      console.log(
        `${bus.name}: ${values.replay} release events written at ${replay.writtenPerSecond.toFixed(0)}/s, replayed and folded (${replay.folded} accepted) in ${replay.replaySeconds.toFixed(1)} s; memory ${replay.memoryMb.map((mb) => mb.toFixed(0)).join(" → ")} MB`,
      );
    }
  }
}).pipe(Effect.scoped);

await Effect.runPromise(program);
