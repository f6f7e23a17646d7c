import type { ClickHouseClient } from "@clickhouse/client";
import { type ApplicationName, epochMsOf, type ObservationsRecorded } from "@sluice/contracts";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Latch from "effect/Latch";
import { TelemetryError } from "../telemetry-store.ts";
import { messageOf } from "./connection.ts";
import { MINUTE_MS, rollupStatements } from "./rollup-statements.ts";
import { type Minutes, RowsOnTheirWay } from "./rows-on-their-way.ts";

export interface RollupTiming {
  /**
   * A minute is rolled up once it has been over for this long: until then its rows are read raw. Who alone writes need not wait
   * for it where all gateways have said that their rows of the minute are there.
   */
  readonly lagMs: number;
  /**
   * A row whose minute has been over for longer than this is late. Shorter than `lagMs` by what clocks may differ and an
   * insert may take: else a minute could be rolled up while a row that is not late to its writer is on its way.
   */
  readonly lateMs: number;
  /** A mark counts against every pass that began up to this long after it: its rows may not have been visible yet. */
  readonly settleMs: number;
  /** Late rows come in bursts: marked minutes are computed again once nothing was marked for this long. */
  readonly quietMs: number;
}
export const rollupTiming: RollupTiming = { lagMs: 90_000, lateMs: 30_000, settleMs: 120_000, quietMs: 120_000 };

/** One statement reads at most this much of one application: a day of backlog must not be a single one. */
const CHUNK_MS = 60 * MINUTE_MS;
const REPAIR_SECONDS = 600;
/** A pass that finds nothing costs a few milliseconds. */
const PASS_INTERVAL = "10 seconds";

interface State {
  readonly through: number;
  readonly marked_first: number | null;
  readonly marked_last: number | null;
  readonly now: number;
}

/**
 * Keeps `observations_by_minute`: marks minutes before late rows are written, computes minutes anew, and says up to where
 * they are complete. `writer` is the client that inserts observations, `roller` another: neither may wait for the other.
 *
 * Several writers keep apart by the clock (`lagMs`, `lateMs`). A process that alone writes knows what it has rolled up and what
 * is on its way, so there a minute is rolled up as soon as it is closed, and the first look at it finds it so.
 */
export const minuteRollup = (
  { writer, roller }: Readonly<Record<"writer" | "roller", ClickHouseClient>>,
  { lagMs, lateMs, settleMs, quietMs }: RollupTiming,
  isOnlyWriter: boolean,
) => {
  /** How often this process has written what the bound of an application comes from. */
  const changes = new Map<string, number>();
  const changed = (application: string) =>
    Effect.sync(() => changes.set(application, (changes.get(application) ?? 0) + 1));
  const known = new Map<string, { readonly through: number; readonly change: number }>();
  const marks = new Map<string, { readonly minuteMs: number; readonly atMs: number }>();
  const onTheirWay = new RowsOnTheirWay();
  /** Up to where a pass of this process has computed minutes, or is computing them. */
  const rolledTo = new Map<string, number>();
  /** Open when a gateway's watermark has passed the end of a minute since the last pass. */
  const minuteEnded = Latch.makeUnsafe(false);
  const announced = new Map<string, number>();

  const stateOf = Effect.fnUntraced(function* (application: ApplicationName, client = roller) {
    const [state] = yield* select<State>(client, rollupStatements.state, { application, settleMs });
    return state ?? { through: 0, marked_first: null, marked_last: null, now: 0 };
  });

  /**
   * Up to where an application's minutes are complete, in epoch milliseconds. In a directory that nobody else has open it
   * changes by what this process writes and by nothing else, and is read again only after that.
   */
  const boundOf = Effect.fnUntraced(function* (application: ApplicationName, client: ClickHouseClient) {
    const change = changes.get(application) ?? 0;
    const before = known.get(application);
    if (isOnlyWriter && before?.change === change) return before.through;
    const { through } = yield* stateOf(application, client);
    known.set(application, { through, change });
    return through;
  });

  /** Before late rows are inserted: windows are read raw from their minute on until it has been rolled up again. */
  const markLate = Effect.fnUntraced(function* (minutes: Minutes) {
    const nowMs = yield* Clock.currentTimeMillis;
    const lateBefore = minuteOf(nowMs - lateMs);
    for (const [application, minuteMs] of minutes) {
      if (minuteMs >= Math.max(lateBefore, rolledTo.get(application) ?? 0)) continue;
      const marked = marks.get(application);
      // A mark still counts for a pass that begins `settleMs` later: half of it is left for the insert.
      if (marked && marked.minuteMs <= minuteMs && nowMs - marked.atMs < settleMs / 2) continue;
      yield* Effect.ensuring(
        command(writer, rollupStatements.mark, { application, minute: minuteMs }),
        changed(application),
      );
      marks.set(application, { minuteMs, atMs: nowMs });
    }
  });

  const insert = <E>(batches: ReadonlyArray<ObservationsRecorded>, rows: Effect.Effect<void, E>) => {
    const minutes = earliestMinutes(batches);
    return onTheirWay
      .during(minutes, Effect.andThen(markLate(minutes), rows))
      .pipe(Effect.tap(() => Effect.sync(() => announce(batches))));
  };

  const announce = (batches: ReadonlyArray<ObservationsRecorded>) => {
    if (!isOnlyWriter) return;
    for (const { application, gatewayId, through } of batches) {
      const key = JSON.stringify([application, gatewayId]);
      const ended = minuteOf(epochMsOf(through));
      if (ended <= (announced.get(key) ?? 0)) continue;
      announced.set(key, ended);
      minuteEnded.openUnsafe();
    }
  };

  /** Up to where minutes may be rolled up, at `nowMs`. */
  const targetOf = Effect.fnUntraced(function* (application: ApplicationName, through: number, nowMs: number) {
    const elapsed = minuteOf(nowMs - lagMs);
    if (!isOnlyWriter) return elapsed;
    const [closed] =
      through < minuteOf(nowMs)
        ? yield* select<{ through: number | null }>(roller, rollupStatements.closed, {
            application,
            from: nowMs - lagMs,
          })
        : [];
    const target = Math.min(Math.max(elapsed, minuteOf(closed?.through ?? 0)), onTheirWay.earliest(application));
    // At once: rows that begin their way from here on are late.
    rolledTo.set(application, Math.max(target, rolledTo.get(application) ?? 0));
    return target;
  });

  const rollApplication = Effect.fnUntraced(function* (application: ApplicationName) {
    const { through, marked_first, marked_last, now: began } = yield* stateOf(application);
    if (stillArriving(marked_first, marked_last, began, quietMs)) return;
    const target = yield* targetOf(application, through, began);
    if (through >= target) return;
    for (let from = through; from < target; ) {
      const [found] = yield* select<{ first: number | null }>(roller, rollupStatements.firstObservation, {
        application,
        from,
        to: target,
      });
      const first = found?.first ?? null;
      const start = first === null ? target : minuteOf(first);
      const end = Math.min(start + CHUNK_MS, target);
      if (start < end) yield* command(roller, rollupStatements.rollUp, { application, from: start, to: end });
      yield* Effect.ensuring(
        command(roller, rollupStatements.progress, { application, through: end, began }),
        changed(application),
      );
      from = end;
    }
    // Now, and not with the next look.
    if (isOnlyWriter) yield* boundOf(application, roller);
  });

  const rollUp = Effect.gen(function* () {
    const rows = yield* select<{ application: string }>(roller, rollupStatements.applications, {});
    yield* Effect.forEach(rows, ({ application }) => rollApplication(application), { discard: true });
  });

  return {
    boundOf,
    /** Inserts the observations of these batches, and their watermarks, by `rows`. */
    insert,
    /** One pass over all applications: computes what has ended and is not there yet, or was marked. */
    rollUp,
    /** Passes for ever, at the latest 10 s after one another. */
    keepRolledUp: rollUp.pipe(
      // Windows are read raw meanwhile: slower, and right.
      Effect.catch((error) => Effect.logWarning(`the minute rollup waits: ${error.message}`)),
      Effect.andThen(Effect.timeoutOption(minuteEnded.await, PASS_INTERVAL)),
      Effect.andThen(minuteEnded.close),
      Effect.forever,
    ),
    /** On opening: the last minutes before the bound are rolled up again. */
    repair: command(writer, rollupStatements.repair, { repairSeconds: REPAIR_SECONDS }),
  };
};

/** They are waited for, but not for ever: a gateway whose clock is behind is late with every row. */
const stillArriving = (first: number | null, last: number | null, now: number, quietMs: number): boolean =>
  first !== null && last !== null && now - last < quietMs && now - first < 5 * quietMs;

const minuteOf = (epochMs: number): number => Math.floor(epochMs / MINUTE_MS) * MINUTE_MS;

const earliestMinutes = (batches: ReadonlyArray<ObservationsRecorded>): Minutes => {
  const earliest = new Map<string, number>();
  for (const { application, observations } of batches)
    for (const { endedAt } of observations) {
      const minuteMs = Math.max(0, minuteOf(epochMsOf(endedAt)));
      if (minuteMs < (earliest.get(application) ?? Number.POSITIVE_INFINITY)) earliest.set(application, minuteMs);
    }
  return earliest;
};

type Parameters = Readonly<Record<string, unknown>>;

const select = <Row>(client: ClickHouseClient, query: string, parameters: Parameters) =>
  Effect.tryPromise({
    try: async () => {
      const result = await client.query({ query, format: "JSONEachRow", query_params: { ...parameters } });
      return result.json<Row>();
    },
    catch: (cause) => new TelemetryError({ operation: "query", message: `rollup: ${messageOf(cause)}` }),
  });

const command = (client: ClickHouseClient, query: string, parameters: Parameters) =>
  Effect.asVoid(
    Effect.tryPromise({
      try: () => client.command({ query, query_params: { ...parameters } }),
      catch: (cause) => new TelemetryError({ operation: "insert", message: `rollup: ${messageOf(cause)}` }),
    }),
  );
