import type { ClickHouseClient } from "@clickhouse/client";
import { type ApplicationName, epochMsOf, type ObservationsRecorded } from "@sluice/contracts";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import { TelemetryError } from "../telemetry-store.ts";
import { messageOf } from "./connection.ts";
import { MINUTE_MS, rollupStatements } from "./rollup-statements.ts";

export interface RollupTiming {
  /** A minute is rolled up once it has been over for this long: until then its rows are read raw. */
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

interface State {
  readonly through: number;
  readonly marked_first: number | null;
  readonly marked_last: number | null;
  readonly now: number;
}

/**
 * Keeps `observations_by_minute`: marks minutes before late rows are written, computes minutes anew, and says up to where
 * they are complete. `writer` is the client that inserts observations, `roller` another: neither may wait for the other.
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

  /** To be called before rows are inserted: windows are read raw from their minute on until it has been rolled up again. */
  const markLate = Effect.fnUntraced(function* (batches: ReadonlyArray<ObservationsRecorded>) {
    const nowMs = yield* Clock.currentTimeMillis;
    const lateBefore = Math.floor((nowMs - lateMs) / MINUTE_MS) * MINUTE_MS;
    for (const [application, minuteMs] of earliestMinutes(batches)) {
      if (minuteMs >= lateBefore) continue;
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

  const rollApplication = Effect.fnUntraced(function* (application: ApplicationName) {
    const { through, marked_first, marked_last, now: began } = yield* stateOf(application);
    const target = Math.floor((began - lagMs) / MINUTE_MS) * MINUTE_MS;
    if (through >= target || stillArriving(marked_first, marked_last, began, quietMs)) return;
    for (let from = through; from < target; ) {
      const [found] = yield* select<{ first: number | null }>(roller, rollupStatements.firstObservation, {
        application,
        from,
        to: target,
      });
      const first = found?.first ?? null;
      const start = first === null ? target : Math.floor(first / MINUTE_MS) * MINUTE_MS;
      const end = Math.min(start + CHUNK_MS, target);
      if (start < end) yield* command(roller, rollupStatements.rollUp, { application, from: start, to: end });
      yield* Effect.ensuring(
        command(roller, rollupStatements.progress, { application, through: end, began }),
        changed(application),
      );
      from = end;
    }
  });

  return {
    boundOf,
    markLate,
    /** One pass over all applications: computes what has ended and is not there yet, or was marked. */
    rollUp: Effect.gen(function* () {
      const rows = yield* select<{ application: string }>(roller, rollupStatements.applications, {});
      yield* Effect.forEach(rows, ({ application }) => rollApplication(application), { discard: true });
    }),
    /** On opening: the last minutes before the bound are rolled up again. */
    repair: command(writer, rollupStatements.repair, { repairSeconds: REPAIR_SECONDS }),
  };
};

/** They are waited for, but not for ever: a gateway whose clock is behind is late with every row. */
const stillArriving = (first: number | null, last: number | null, now: number, quietMs: number): boolean =>
  first !== null && last !== null && now - last < quietMs && now - first < 5 * quietMs;

const earliestMinutes = (batches: ReadonlyArray<ObservationsRecorded>): ReadonlyMap<string, number> => {
  const earliest = new Map<string, number>();
  for (const { application, observations } of batches)
    for (const { endedAt } of observations) {
      const minuteMs = Math.max(0, Math.floor(epochMsOf(endedAt) / MINUTE_MS) * MINUTE_MS);
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
