import type { ReleaseEvent } from "@sluice/contracts";
import { EventStore, releaseEventOf, type StoredEvent } from "@sluice/event-store";
import { TelemetryStore } from "@sluice/telemetry";
import * as Effect from "effect/Effect";
import * as Queue from "effect/Queue";
import * as Schedule from "effect/Schedule";
import type { RegistrySettings } from "../settings.ts";

/** Rows read from the store at a time when the analysts' table is filled again. */
const PAGE = 1_000;

/** So often a page is tried before its rows are tried one by one: an outage ends, a row that cannot be taken does not. */
const PAGE_TRIES = 5;

type Patience = Pick<RegistrySettings, "retryMs" | "maxRetryMs">;

/**
 * Follows the event store into ClickHouse, from the start: inserting a row twice changes nothing. The answer is the hint
 * that there are new rows.
 */
export const startAnalystsTable = Effect.fn("startAnalystsTable")(function* (settings: Patience) {
  const signal = yield* Queue.sliding<void>(1);
  const catchUp = yield* analystsTable(settings);
  yield* Effect.forkScoped(Effect.andThen(catchUp, Effect.forever(Effect.andThen(Queue.take(signal), catchUp))));
  return signal;
});

/** Takes what the store has more than ClickHouse has been given, up to its end, however long that is away. */
export const analystsTable = Effect.fn("analystsTable")(function* (settings: Patience) {
  const store = yield* EventStore;
  const telemetry = yield* TelemetryStore;
  const patience = Schedule.min([Schedule.exponential(settings.retryMs), Schedule.spaced(settings.maxRetryMs)]);
  let position = 0;
  let tries = 0;

  /** An event names no team but a release's request: what follows is that team's too, for who may see no other's. */
  const teams = new Map<string, string>();
  const teamOf = ({ application, releaseId, refusal }: StoredEvent, event: ReleaseEvent): string => {
    const release = `${application}/${releaseId}`;
    if (event._tag !== "ReleaseRequested") return teams.get(release) ?? "";
    if (refusal === null) teams.set(release, event.team);
    return event.team;
  };

  const insert = (rows: ReadonlyArray<StoredEvent>) =>
    Effect.suspend(() =>
      telemetry.insertReleaseEvents(
        rows.flatMap((row) => {
          const event = releaseEventOf(row);
          return event ? { event, accepted: row.refusal === null, team: teamOf(row, event), payload: row.payload } : [];
        }),
      ),
    );

  /**
   * A row is refused, and not the store away, when another one of its page is taken. While none is, as many are tried as the
   * page was before: a store that is away is not asked a thousand times, and no number of refused rows is the end.
   */
  const insertOneByOne = Effect.fnUntraced(function* (rows: ReadonlyArray<StoredEvent>) {
    const refused: Array<{ readonly row: StoredEvent; readonly message: string }> = [];
    for (const [n, row] of rows.entries()) {
      const error = yield* Effect.match(insert([row]), { onFailure: (failure) => failure, onSuccess: () => null });
      if (error) refused.push({ row, message: error.message });
      if (error && refused.length === n + 1 && (refused.length >= tries || refused.length === rows.length))
        return yield* Effect.fail(error);
    }
    for (const { row, message } of refused)
      yield* Effect.logError(
        `release_events lacks position ${row.position} (${row.type} ${row.eventId}) of the record, which the telemetry store refuses: ${message}`,
      );
  });

  const patiently = <A, E extends { readonly message: string }>(work: Effect.Effect<A, E>) =>
    work.pipe(
      Effect.tapError((error) =>
        Effect.logWarning(`release_events is behind after position ${position}, trying again: ${error.message}`),
      ),
      Effect.retry(patience),
    );

  const pageAfter = (after: number) => patiently(store.read({ after, limit: PAGE }));

  const take = Effect.fnUntraced(function* (rows: ReadonlyArray<StoredEvent>) {
    tries = 0;
    const attempt = Effect.suspend(() => (tries < PAGE_TRIES ? insert(rows) : insertOneByOne(rows)));
    yield* patiently(Effect.tapError(attempt, () => Effect.sync(() => (tries += 1))));
    position = rows.at(-1)?.position ?? position;
  });

  // The next rows are read while ClickHouse takes these: a registry that starts gives it the whole record.
  return Effect.gen(function* () {
    let rows = yield* pageAfter(position);
    while (rows.length > 0)
      [, rows] = yield* Effect.all([take(rows), pageAfter(rows.at(-1)?.position ?? position)], { concurrency: 2 });
  });
});
