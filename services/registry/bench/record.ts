import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ReleaseEvent, timestampOf } from "@sluice/contracts";
import {
  EventStore,
  layerPostgres,
  type RecordedEvent,
  RecordTree,
  releaseEventOf,
  verifyRecord,
} from "@sluice/event-store";
import { Database, layerPGlite, layerPg } from "@sluice/postgres";
import { type ApplicationState, foldEvent } from "@sluice/release";
import { event, wayTo } from "@sluice/release/testing/samples";
import * as Telemetry from "@sluice/telemetry";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { analystsTable } from "../src/application/analysts-table.ts";
import { locateReleases } from "../src/domain/release-index.ts";

/** What one store was measured to do with one number of events. */
export interface Measured {
  readonly store: string;
  readonly events: number;
  /** Bytes of an event on the average. */
  readonly bytes: number;
  readonly appendPerSecond: number;
  /** Of the last tenth: what it is once the record has grown. */
  readonly appendPerSecondAtEnd: number;
  readonly verifySeconds: number;
  readonly treeSeconds: number;
  /** Of the states alone: what a registry folds before it serves. */
  readonly statesSeconds: number;
  /** Of all read models: states, and the analysts' table in ClickHouse. */
  readonly rebuildSeconds: number;
  readonly pageP50Ms: number;
  readonly pageP99Ms: number;
}

const APPLICATIONS = 200;
/** As the bus hands them over. */
const BATCH = 500;

/** Releases of many applications, each from request to 100 %, interleaved as they come. */
function* eventsOf(total: number): Generator<ReleaseEvent> {
  const at = (n: number) => timestampOf(Date.UTC(2026, 0, 1) + n * 1_000);
  let n = 0;
  for (let app = 0; app < APPLICATIONS && n < total; app++, n++)
    yield event("ApplicationRegistered", { application: `app-${app}`, at: at(n) });
  for (let round = 0; n < total; round++) {
    const ways = Array.from({ length: APPLICATIONS }, (_, app) => ({
      application: `app-${app}`,
      // Another candidate each time, or there would be nothing to release.
      way: wayTo(`rel-${round}`, { candidate: bundleOf(app, round) }).completed,
    }));
    for (let step = 0; step < (ways[0]?.way.length ?? 0); step++)
      for (const { application, way } of ways) {
        const one = way[step];
        if (!one || n >= total) continue;
        n += 1;
        yield { ...one, application, eventId: `${one.eventId.slice(0, 20)}-${n}`, at: at(n) };
      }
  }
}

const bundleOf = (app: number, round: number) => {
  const digest = `sha256:${(app * 100_000 + round).toString(16).padStart(64, "0")}`;
  return { digest, artifacts: { prompt: digest, model: digest } };
};

const seconds = async (work: () => Promise<unknown>): Promise<number> => {
  const from = performance.now();
  await work();
  return (performance.now() - from) / 1_000;
};

export interface StoreChoice {
  readonly name: string;
  /** Null: PGlite in a directory. */
  readonly url: string | null;
}

export const measure = async ({ name, url }: StoreChoice, events: number): Promise<Measured> => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-bench-"));
  const database =
    url === null ? layerPGlite({ directory: join(folder, "postgres") }) : layerPg({ connectionString: url });
  const ports = Layer.provideMerge(layerPostgres, database);
  const body = Effect.gen(function* () {
    const context = yield* Effect.context<EventStore | Database>();
    const run = <A, E>(effect: Effect.Effect<A, E, EventStore | Database>) => Effect.runPromiseWith(context)(effect);
    return yield* Effect.promise(() => measured(run, { name, events, folder }));
  });
  try {
    return await Effect.runPromise(Effect.scoped(Effect.provide(body, ports)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

type Run = <A, E>(effect: Effect.Effect<A, E, EventStore | Database>) => Promise<A>;

const measured = async (
  run: Run,
  { name, events, folder }: { name: string; events: number; folder: string },
): Promise<Measured> => {
  const told = (what: string, value: number) => console.error(`${name}, ${events} events: ${what} ${value.toFixed(1)}`);
  const appended = await append(run, events);
  told("appended a second", appended.appendPerSecond);
  // As the server's autovacuum does sooner or later; an embedded database has none.
  await run(Effect.flatMap(Database, (db) => db.script("analyze audit_events")));
  const verifySeconds = await seconds(async () => {
    const { rows, faults } = await run(verifyRecord());
    if (rows !== events || faults.length > 0) throw new Error(`${rows} rows, ${faults[0]?.sentence}`);
  });
  told("seconds to verify", verifySeconds);
  const treeSeconds = await seconds(() => run(new RecordTree().catchUp));
  const states = new Map<string, ApplicationState>();
  const statesSeconds = await seconds(() => foldStates(run, states));
  told("seconds to fold all states", statesSeconds);
  const rebuildSeconds = await rebuildAll(run, folder);
  told("seconds to rebuild all read models", rebuildSeconds);
  const pages = await releasePages(run, states);
  return { store: name, events, ...appended, verifySeconds, treeSeconds, statesSeconds, rebuildSeconds, ...pages };
};

const append = async (run: Run, events: number) => {
  const store = await run(EventStore);
  let [offset, bytes, spent, spentAtEnd, atEnd] = [0, 0, 0, 0, 0];
  let batch: Array<RecordedEvent> = [];
  const flush = async () => {
    const took = await seconds(() => run(store.append(batch, "2026-01-01T00:00:00.000Z")));
    spent += took;
    if (offset > events * 0.9) {
      spentAtEnd += took;
      atEnd += batch.length;
    }
    batch = [];
  };
  for (const one of eventsOf(events)) {
    bytes += JSON.stringify(one).length;
    batch.push({ partition: 0, offset, event: one, refusal: null });
    offset += 1;
    if (batch.length === BATCH) await flush();
  }
  if (batch.length > 0) await flush();
  return { bytes: bytes / events, appendPerSecond: events / spent, appendPerSecondAtEnd: atEnd / spentAtEnd };
};

/** As a registry does at its start: the states are folded while the analysts' table is filled. */
const rebuildAll = (run: Run, folder: string): Promise<number> =>
  Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const store = Layer.succeed(EventStore, yield* Effect.promise(() => run(EventStore)));
        const catchUp = yield* Effect.provide(analystsTable({ retryMs: 200, maxRetryMs: 10_000 }), store);
        const states = Effect.promise(() => foldStates(run, new Map()));
        return yield* Effect.promise(() =>
          seconds(() => Effect.runPromise(Effect.all([catchUp, states], { concurrency: 2 }))),
        );
      }),
    ).pipe(Effect.provide(Telemetry.layerClickHouse({ path: join(folder, "clickhouse") }))),
  );

const foldStates = async (run: Run, states: Map<string, ApplicationState>): Promise<void> => {
  const store = await run(EventStore);
  for (let after = 0; ; ) {
    const rows = await run(store.read({ after, limit: 1_000 }));
    for (const row of rows) {
      const found = releaseEventOf(row);
      if (found) fold(states, found);
    }
    const last = rows.at(-1);
    if (!last) return;
    after = last.position;
  }
};

const fold = (states: Map<string, ApplicationState>, found: ReleaseEvent): void => {
  const { state, refusal } = foldEvent(states, found);
  if (!refusal) states.set(found.application, state);
};

/** What the page of a release asks for: where it is, and its events with their evidence. */
const releasePages = async (run: Run, states: ReadonlyMap<string, ApplicationState>) => {
  const store = await run(EventStore);
  const names = [...states.values()].flatMap(({ application, ended }) =>
    Object.keys(ended).map((releaseId) => ({ application, releaseId })),
  );
  const times: Array<number> = [];
  for (let n = 0; n < 1_000; n++) {
    const { application, releaseId } = names[(n * 7_919) % names.length] ?? { application: "", releaseId: "" };
    const from = performance.now();
    if (locateReleases(states, releaseId, application).length !== 1)
      throw new Error(`no ${releaseId} of ${application}`);
    const rows = await run(store.read({ application, releaseId, limit: 1_000 }));
    JSON.stringify(rows.map((row) => releaseEventOf(row)));
    times.push(performance.now() - from);
  }
  times.sort((a, b) => a - b);
  return { pageP50Ms: times[500] ?? 0, pageP99Ms: times[990] ?? 0 };
};
