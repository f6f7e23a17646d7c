import type { ReleaseEvent } from "@sluice/contracts";
import { EventStore, releaseEventOf, type StoredEvent } from "@sluice/event-store";
import { TelemetryStore } from "@sluice/telemetry";
import * as Effect from "effect/Effect";
import * as Queue from "effect/Queue";
import * as Schedule from "effect/Schedule";
import type { RegistrySettings } from "../settings.ts";

/** Rows read from the store at a time when the analysts' table is filled again. */
const PAGE = 500;

/** So often a page is tried before its rows are tried one by one: an outage ends, a row that cannot be taken does not. */
const PAGE_TRIES = 5;

/**
 * Follows the event store into ClickHouse, from the start: inserting a row twice changes nothing. The answer is the hint
 * that there are new rows.
 */
export const startAnalystsTable = Effect.fn("startAnalystsTable")(function* (settings: RegistrySettings) {
  const store = yield* EventStore;
  const telemetry = yield* TelemetryStore;
  const signal = yield* Queue.sliding<void>(1);
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
          return event ? { event, accepted: row.refusal === null, team: teamOf(row, event) } : [];
        }),
      ),
    );

  /**
   * A row is refused, and not the store away, when another one of its page is taken. While none is, as many are tried as the
   * page was before: a store that is away is not asked five hundred times, and no number of refused rows is the end.
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

  const nextPage = Effect.gen(function* () {
    const rows = yield* store.read({ after: position, limit: PAGE });
    if (rows.length > 0) yield* tries < PAGE_TRIES ? insert(rows) : insertOneByOne(rows);
    position = rows.at(-1)?.position ?? position;
    tries = 0;
    return rows.length;
  }).pipe(
    Effect.tapError((error) => {
      tries += 1;
      return Effect.logWarning(`release_events is behind after position ${position}, trying again: ${error.message}`);
    }),
    Effect.retry(patience),
  );
  const drain = Effect.repeat(nextPage, { while: (rows) => rows > 0 });
  yield* Effect.forkScoped(Effect.andThen(drain, Effect.forever(Effect.andThen(Queue.take(signal), drain))));
  return signal;
});
