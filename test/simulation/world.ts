import * as assert from "node:assert/strict";
import { ArtifactStore, layerMemory as artifactsInMemory } from "@sluice/artifact-store";
import { canaryControllerService } from "@sluice/canary-controller";
import { canonicalJson } from "@sluice/contracts";
import type { EventBus } from "@sluice/event-bus";
import * as EventStore from "@sluice/event-store";
import { answerReleases } from "@sluice/gate/application/answer-releases";
import { Evaluator } from "@sluice/gate/application/evaluator";
import { expireOverrides } from "@sluice/gate/application/expire-overrides";
import { gateSettings } from "@sluice/gate/settings";
import { Judge } from "@sluice/judge";
import { type Pager, layerMemory as pagerInMemory } from "@sluice/pager";
import { startRecorder } from "@sluice/registry/application/recorder";
import { registrySettings } from "@sluice/registry/settings";
import { ReleaseLog } from "@sluice/release-log";
import { shadowJudgeService } from "@sluice/shadow-judge";
import { type TelemetryStore, layerMemory as telemetryInMemory } from "@sluice/telemetry";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Layer from "effect/Layer";
import * as References from "effect/References";
import * as Schedule from "effect/Schedule";
import * as Scope from "effect/Scope";
import { TestClock } from "effect/testing";
import { layerFaulty, type Weather } from "./faulty-bus.ts";
import { checkEnds, checkPages, checkRecord, describe, endsOf, isSettled } from "./outcome.ts";
import { peopleOf } from "./people.ts";
import { type Random, randomOf } from "./random.ts";
import { type Cast, castOf, reportOn, results } from "./scenario.ts";
import { type Disk, simulatedGateway } from "./simulated-gateway.ts";
import { Watcher } from "./watcher.ts";

const START = Date.UTC(2026, 0, 31, 9);
const TICK_MS = 125;
/** Turns of the scheduler for each tick of the clock. */
const TURNS = 8;
const STORM_SECONDS = 30;
const LAST_SECOND = 400;

export interface Story {
  readonly seed: number;
  /** Of all that was published on releases and routing, in order: one seed has one story. */
  readonly digest: string;
  readonly seconds: number;
  readonly events: number;
  readonly ends: ReturnType<typeof endsOf>;
}

/** One world of a seed, from its first request until everything has settled. Throws at the first thing that is wrong. */
export const simulate = (seed: number): Promise<Story> => {
  const random = randomOf(seed);
  const weather: Weather = { stormy: true };
  const disks: ReadonlyArray<Disk> = [{ routing: null }, { routing: null }];
  const watcher = new Watcher(disks);
  const cast = castOf(random.fork("cast"));
  let broken: unknown = null;
  const bus = layerFaulty(random.fork("bus"), weather, (topic, event) => {
    try {
      watcher.onAppend(topic, event);
    } catch (error) {
      broken ??= error;
    }
  });
  const ports = Layer.mergeAll(
    bus,
    artifactsInMemory,
    telemetryInMemory,
    pagerInMemory,
    EventStore.layerMemory,
    Judge.layerMemory((_, { output }) => Effect.succeed(Number(output))),
    Layer.succeed(Evaluator, { evaluate: ({ evidence }) => Effect.succeed(reportOn(cast, evidence)) }),
  );
  const body = Effect.gen(function* () {
    yield* TestClock.setTime(START);
    yield* storeBundles(cast);
    const instances = yield* startAll(random, disks, cast);
    const people = yield* peopleOf(random.fork("people"), cast, STORM_SECONDS);
    const tick = Effect.gen(function* () {
      watcher.nowMs += TICK_MS;
      yield* TestClock.adjust(TICK_MS);
      for (let turn = 0; turn < TURNS; turn += 1) yield* Effect.yieldNow;
    });
    let seconds = 0;
    while (broken === null && seconds < LAST_SECOND) {
      weather.stormy = seconds < STORM_SECONDS;
      yield* people.second(seconds);
      for (let i = 0; i < 1_000 / TICK_MS; i += 1) {
        yield* weather.stormy ? instances.maybeCrash : instances.reviveAll;
        yield* tick;
      }
      seconds += 1;
      if (!weather.stormy && people.done() && isSettled(watcher)) break;
    }
    if (broken !== null) throw broken;
    assert.ok(seconds < LAST_SECOND, `nothing settled within ${LAST_SECOND} s: ${describe(watcher)}`);
    // Everybody hears of the end.
    for (let i = 0; i < 48; i += 1) yield* tick;
    if (broken !== null) throw broken;
    watcher.checkSettled();
    checkEnds(watcher, cast, people.touched);
    yield* checkPages(watcher);
    yield* checkRecord(watcher);
    return {
      seed,
      digest: watcher.digest,
      seconds,
      events: watcher.events.length,
      ends: endsOf(watcher),
    };
  });
  return Effect.runPromise(
    body.pipe(
      Effect.scoped,
      Effect.provide(ports),
      Effect.provide(TestClock.layer()),
      Effect.provideService(References.MinimumLogLevel, "None"),
    ),
  );
};

// ---------------------------------------------------------------- instances that crash

type Ports = ArtifactStore | EventBus | EventStore.EventStore | Evaluator | Judge | Pager | TelemetryStore;

const startAll = Effect.fnUntraced(function* (random: Random, disks: ReadonlyArray<Disk>, cast: Cast) {
  const gate = Effect.andThen(
    answerReleases(gateSettings({ tickMs: 1_000 })),
    expireOverrides(gateSettings({ tickMs: 1_000 })),
  );
  const shadow = shadowJudgeService({ tickMs: 1_000 });
  const controller = canaryControllerService({
    tickMs: 500,
    watermarkGraceMs: 3_000,
    judgementLagMs: 1_000,
    gatewayTimeoutMs: 4_000,
  });
  const recorder = startRecorder(registrySettings({}));
  // A second controller neither knows of the first nor has to.
  const second = random.chance(0.4) ? [untilStopped(controller)] : [];
  const programs: ReadonlyArray<Effect.Effect<never, unknown, Ports>> = [
    untilStopped(gate),
    untilStopped(shadow),
    untilStopped(controller),
    ...second,
    untilStopped(recorder),
    ...disks.map((disk, i) => untilStopped(simulatedGateway(`gw-${i + 1}`, disk, cast))),
  ];
  const world = yield* Effect.scope;
  const life = random.fork("life");
  const instances = programs.map((program, i) => ({ program, skewMs: random.fork(`skew ${i}`).upTo(400) - 200 }));
  const running: Array<Scope.Closeable | null> = instances.map(() => null);
  const backAt: Array<number> = instances.map(() => 0);

  const start = Effect.fnUntraced(function* (i: number) {
    const instance = instances[i];
    if (!instance) return;
    const scope = yield* Scope.fork(world);
    running[i] = scope;
    const clock = yield* Clock.Clock;
    yield* Effect.forkIn(Effect.provideService(instance.program, Clock.Clock, skewed(clock, instance.skewMs)), scope);
  });
  for (let i = 0; i < instances.length; i += 1) yield* start(i);

  /** Stops an instance where it stands, now and then, and starts one that has been down for a while. */
  const maybeCrash = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis;
    for (let i = 0; i < instances.length; i += 1) {
      const scope = running[i];
      if (scope && life.chance(0.004)) {
        running[i] = null;
        backAt[i] = now + life.upTo(4_000);
        yield* Scope.close(scope, Exit.void);
      } else if (!scope && now >= (backAt[i] ?? 0)) yield* start(i);
    }
  });
  const reviveAll = Effect.suspend(() =>
    Effect.forEach(running, (scope, i) => (scope ? Effect.void : start(i)), { discard: true }),
  );
  return { maybeCrash, reviveAll };
});

/** A process: it folds the log for itself, starts again when it could not start, and ends when it is stopped. */
const untilStopped = <A, E, R>(service: Effect.Effect<A, E, R>) =>
  Effect.scoped(Effect.andThen(service, Effect.never)).pipe(
    Effect.provide(Layer.fresh(ReleaseLog.layer)),
    Effect.retry({ schedule: Schedule.spaced("500 millis") }),
  );

const skewed = (clock: Clock.Clock, skewMs: number): Clock.Clock => ({
  currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe() + skewMs,
  currentTimeMillis: Effect.map(clock.currentTimeMillis, (ms) => ms + skewMs),
  currentTimeNanosUnsafe: () => clock.currentTimeNanosUnsafe() + BigInt(skewMs) * 1_000_000n,
  currentTimeNanos: Effect.map(clock.currentTimeNanos, (nanos) => nanos + BigInt(skewMs) * 1_000_000n),
  monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
  monotonicTimeNanos: clock.monotonicTimeNanos,
  sleep: (duration) => clock.sleep(duration),
});

const storeBundles = Effect.fnUntraced(function* (cast: Cast) {
  const store = yield* ArtifactStore;
  yield* store.put(results);
  for (const { bundle } of [cast.baseline, ...cast.candidates])
    for (const part of Object.values(bundle)) yield* store.put(canonicalJson(part));
});
