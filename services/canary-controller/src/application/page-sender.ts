import { timestampOf } from "@sluice/contracts";
import { Pager, type PagerError } from "@sluice/pager";
import type { ApplicationState, Page } from "@sluice/release";
import { ReleaseLog } from "@sluice/release-log";
import { onChangeOrTick } from "@sluice/release-log/on-change-or-tick";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import { submit } from "./submit.ts";

/** While the receiver is down it is asked again ever more rarely, up to this. */
const LONGEST_PAUSE_MS = 30_000;

/** How often a page has failed in a row, and when it is tried again. */
interface Patience {
  readonly failures: number;
  readonly notBeforeMs: number;
}

/**
 * Sends the pages that the log says are due, triggers first, and records in the log that they were taken: the log is the
 * outbox, so no page is lost. While the record cannot be published only that is tried again. After a crash in between a
 * page is sent again; its dedup key makes one of the two. A page that fails waits by itself, the others go on.
 */
export const pageSender = Effect.fn("pageSender")(function* (tickMs: number) {
  const log = yield* ReleaseLog;
  const pager = yield* Pager;
  /** By key and action: the channel that took it, until the log knows. */
  const taken = new Map<string, string>();
  const patienceOf = new Map<string, Patience>();

  const deliver = Effect.fnUntraced(function* ({ application }: ApplicationState, page: Page) {
    const { dedupKey, releaseId } = page;
    const action = actionOf(page);
    const summary = `${application}, release ${releaseId}: ${page.sentence}${unacknowledgedText(page)}`;
    const message = { dedupKey, severity: "critical", summary, application, releaseId, at: page.at } as const;
    // The names are known only after the page went out: they follow under its key, before it is over.
    if (action === "resolve" && page.unacknowledged.length > 0) yield* pager.send({ ...message, action: "trigger" });
    const channel = yield* pager.send({ ...message, action });
    taken.set(takenKey(page), channel);
    return channel;
  });

  const settle = Effect.fnUntraced(function* (state: ApplicationState, page: Page) {
    const { application } = state;
    const { dedupKey, releaseId } = page;
    const channel = taken.get(takenKey(page)) ?? (yield* deliver(state, page));
    patienceOf.delete(dedupKey);
    const at = timestampOf(yield* Clock.currentTimeMillis);
    const _tag = actionOf(page) === "trigger" ? "RecordPageSent" : "RecordPageResolved";
    yield* submit({ _tag, application, releaseId, at, dedupKey, channel });
  });

  const postpone = Effect.fnUntraced(function* ({ dedupKey }: Page, error: PagerError) {
    const failures = (patienceOf.get(dedupKey)?.failures ?? 0) + 1;
    const pauseMs = Math.min(LONGEST_PAUSE_MS, tickMs * 2 ** Math.min(failures, 10));
    patienceOf.set(dedupKey, { failures, notBeforeMs: (yield* Clock.currentTimeMillis) + pauseMs });
    yield* Effect.logError(`page ${dedupKey} could not be delivered (attempt ${failures}): ${error.message}`);
  });

  const look = Effect.gen(function* () {
    const nowMs = yield* Clock.currentTimeMillis;
    const due = duePages([...log.applications().values()]);
    const keys = new Set(due.map(([, page]) => takenKey(page)));
    for (const key of taken.keys()) if (!keys.has(key)) taken.delete(key);
    for (const [state, page] of due)
      if (nowMs >= (patienceOf.get(page.dedupKey)?.notBeforeMs ?? 0))
        yield* Effect.catchTag(settle(state, page), "PagerError", (error) => postpone(page, error));
  });
  yield* onChangeOrTick("pages", look, tickMs);
});

const actionOf = (page: Page): "trigger" | "resolve" => (page.sentAt ? "resolve" : "trigger");

const takenKey = (page: Page): string => `${actionOf(page)} ${page.dedupKey}`;

const unacknowledgedText = ({ unacknowledged }: Page): string =>
  unacknowledged.length === 0
    ? ""
    : ` Rolled back without the acknowledgement of ${unacknowledged.slice(0, 10).join(", ")}${unacknowledged.length > 10 ? ` and ${unacknowledged.length - 10} more` : ""}: look there, they may serve the candidate until they hear of the rollback or have been unwatched for too long.`;

/** What nobody knows of yet goes before what is over; the oldest first. */
const duePages = (states: ReadonlyArray<ApplicationState>): ReadonlyArray<readonly [ApplicationState, Page]> =>
  states
    .flatMap((state) =>
      state.pages.filter((page) => !page.sentAt || page.resolvable).map((page) => [state, page] as const),
    )
    .sort(([, a], [, b]) => Number(a.sentAt !== null) - Number(b.sentAt !== null) || (a.at < b.at ? -1 : 1));
