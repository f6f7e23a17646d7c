import { timestampOf } from "@sluice/contracts";
import { Pager } from "@sluice/pager";
import type { ApplicationState, Page } from "@sluice/release";
import { ReleaseLog } from "@sluice/release-log";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import { onChangeOrTick, submit } from "./on-change-or-tick.ts";

/** While the receiver is down it is asked again ever more rarely, up to this. */
const LONGEST_PAUSE_MS = 30_000;

/**
 * Sends the pages that the log says are due, oldest first, and records in the log that they were taken: the log is the
 * outbox, so no page is lost. After a crash in between a page is sent again; its dedup key makes one of the two.
 */
export const pageSender = Effect.fn("pageSender")(function* (tickMs: number) {
  const log = yield* ReleaseLog;
  const pager = yield* Pager;
  let failures = 0;
  let notBeforeMs = 0;

  const deliver = Effect.fnUntraced(function* ({ application }: ApplicationState, page: Page) {
    const { dedupKey, releaseId } = page;
    const action = page.sentAt ? "resolve" : "trigger";
    const summary = `${application}, release ${releaseId}: ${page.sentence}${unacknowledgedText(page)}`;
    const message = { dedupKey, severity: "critical", summary, application, releaseId, at: page.at } as const;
    // The names are known only after the page went out: they follow under its key, before it is over.
    if (action === "resolve" && page.unacknowledged.length > 0) yield* pager.send({ ...message, action: "trigger" });
    const channel = yield* pager.send({ ...message, action });
    const at = timestampOf(yield* Clock.currentTimeMillis);
    const _tag = action === "trigger" ? "RecordPageSent" : "RecordPageResolved";
    yield* submit({ _tag, application, releaseId, at, dedupKey, channel });
  });

  const look = Effect.gen(function* () {
    if ((yield* Clock.currentTimeMillis) < notBeforeMs) return;
    for (const [state, page] of duePages([...log.applications().values()])) {
      yield* deliver(state, page);
      failures = 0;
    }
  }).pipe(
    Effect.catchTag("PagerError", (error) =>
      Effect.gen(function* () {
        failures += 1;
        notBeforeMs =
          (yield* Clock.currentTimeMillis) + Math.min(LONGEST_PAUSE_MS, tickMs * 2 ** Math.min(failures, 10));
        yield* Effect.logError(`a page could not be delivered (attempt ${failures}): ${error.message}`);
      }),
    ),
  );
  yield* onChangeOrTick("pages", look, tickMs);
});

const unacknowledgedText = ({ unacknowledged }: Page): string =>
  unacknowledged.length === 0
    ? ""
    : ` Rolled back without the acknowledgement of ${unacknowledged.slice(0, 10).join(", ")}${unacknowledged.length > 10 ? ` and ${unacknowledged.length - 10} more` : ""}: look there, they may serve the candidate until they hear of the rollback or have been unwatched for too long.`;

const duePages = (states: ReadonlyArray<ApplicationState>): ReadonlyArray<readonly [ApplicationState, Page]> =>
  states
    .flatMap((state) =>
      state.pages.filter((page) => !page.sentAt || page.resolvable).map((page) => [state, page] as const),
    )
    .sort(([, a], [, b]) => (a.at < b.at ? -1 : 1));
