import { timestampOf } from "@sluice/contracts";
import { Pager, type PagerError } from "@sluice/pager";
import type { ApplicationState } from "@sluice/release";
import { ReleaseLog } from "@sluice/release-log";
import { onChangeOrTick } from "@sluice/release-log/on-change-or-tick";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Metric from "effect/Metric";
import { type DueMessage, dueMessages, messageOf, type Step } from "../domain/due-messages.ts";
import { submit } from "./submit.ts";

/** While the receiver is down it is asked again ever more rarely, up to this. */
const LONGEST_PAUSE_MS = 30_000;
/** Lanes that are worked on side by side: a channel that hangs must not hold up other applications for long. */
const CONCURRENCY = 8;

const waiting = Metric.gauge("sluice_pages_waiting", {
  description: "Pages and notices that are due and that no channel has taken yet",
});

/** How often a lane has failed in a row, and when it is tried again. */
interface Patience {
  readonly failures: number;
  readonly notBeforeMs: number;
}

/**
 * Sends what the log says is due, and records in the log that it was taken: the log is the outbox, so nothing is lost. An
 * application has two lanes, pages and notices, in each of which order is kept: what fails holds up what comes after it,
 * and nothing else. While the record cannot be published only that is tried again. After a crash in between a message is
 * sent again; its dedup key makes one of the two.
 */
export const pageSender = Effect.fn("pageSender")(function* (tickMs: number) {
  const log = yield* ReleaseLog;
  const pager = yield* Pager;
  /** By message: the channels that took it, until the log knows. */
  const taken = new Map<string, ReadonlyArray<string>>();
  const patienceOf = new Map<string, Patience>();

  const page = Effect.fnUntraced(function* (due: DueMessage, action: "trigger" | "update" | "resolve") {
    const key = `${action} ${due.dedupKey}`;
    const before = taken.get(key);
    if (before) return { channel: before[0] ?? "", notTakenBy: before.slice(1) };
    const delivery = yield* pager.page(messageOf(due, action), due.through);
    taken.set(key, [delivery.channel, ...delivery.notTakenBy]);
    return delivery;
  });

  const deliver = Effect.fnUntraced(function* (due: DueMessage) {
    const at = timestampOf(yield* Clock.currentTimeMillis);
    const { application, releaseId, dedupKey } = due;
    const head = { application, releaseId, at, dedupKey };
    switch (due.step) {
      case "trigger":
        return yield* submit({ _tag: "RecordPageSent", ...head, ...(yield* page(due, "trigger")) });
      case "resolve": {
        // What became known after the page went out follows under its key, before it is over.
        if (due.hasNews) yield* page(due, "update");
        const { channel } = yield* page(due, "resolve");
        return yield* submit({ _tag: "RecordPageResolved", ...head, channel });
      }
      case "notice": {
        const key = `notice ${dedupKey}`;
        const channels = yield* Effect.tapError(pager.notify(messageOf(due, "notice"), taken.get(key) ?? []), (error) =>
          Effect.sync(() => taken.set(key, error.taken)),
        );
        taken.set(key, channels);
        return yield* submit({ _tag: "RecordNoticeSent", ...head, channels });
      }
    }
  });

  const postpone = Effect.fnUntraced(function* (lane: string, due: DueMessage, error: PagerError) {
    const failures = (patienceOf.get(lane)?.failures ?? 0) + 1;
    const pauseMs = Math.min(LONGEST_PAUSE_MS, tickMs * 2 ** Math.min(failures, 10));
    const nowMs = yield* Clock.currentTimeMillis;
    patienceOf.set(lane, { failures, notBeforeMs: nowMs + pauseMs });
    const { application, releaseId, dedupKey, step } = due;
    yield* Effect.logError(`${step} ${dedupKey} could not be delivered (attempt ${failures}): ${error.message}`);
    if (step === "resolve" || due.isKnownUndelivered) return;
    const sentence = error.message.slice(0, MAX_SENTENCE);
    yield* submit({
      _tag: "RecordPageUndelivered",
      application,
      releaseId,
      at: timestampOf(nowMs),
      dedupKey,
      sentence,
    });
  });

  const workOff = Effect.fnUntraced(function* (lane: string, messages: ReadonlyArray<DueMessage>) {
    for (const due of messages) {
      const nowMs = yield* Clock.currentTimeMillis;
      if (nowMs < (patienceOf.get(lane)?.notBeforeMs ?? 0)) return;
      const failed = yield* Effect.as(deliver(due), null).pipe(
        Effect.catchTag("PagerError", (error) => Effect.as(postpone(lane, due, error), error)),
      );
      if (failed) return;
      patienceOf.delete(lane);
    }
  });

  const look = Effect.gen(function* () {
    const lanes = [...log.applications().values()].flatMap(lanesOf).toSorted(byUrgency);
    const keys = new Set(lanes.flatMap(([, due]) => due.flatMap(keysOf)));
    for (const key of taken.keys()) if (!keys.has(key)) taken.delete(key);
    yield* Metric.update(
      waiting,
      lanes.reduce((sum, [, due]) => sum + due.length, 0),
    );
    yield* Effect.forEach(lanes, ([lane, due]) => workOff(lane, due), { concurrency: CONCURRENCY, discard: true });
  });
  yield* onChangeOrTick("pages", look, tickMs);
});

/** The bound of `Text`. */
const MAX_SENTENCE = 4_000;

type Lane = readonly [name: string, due: ReadonlyArray<DueMessage>];

/** Where nobody knows yet that somebody must act comes first, then what is over, then what is only told. */
const byUrgency = ([, [a]]: Lane, [, [b]]: Lane): number =>
  urgency.indexOf(a?.step ?? "notice") - urgency.indexOf(b?.step ?? "notice");
const urgency: ReadonlyArray<Step> = ["trigger", "resolve", "notice"];

const lanesOf = (state: ApplicationState): ReadonlyArray<Lane> => {
  const { pages, notices } = dueMessages(state);
  const lanes: ReadonlyArray<Lane> = [
    [`pages of ${state.application}`, pages],
    [`notices of ${state.application}`, notices],
  ];
  return lanes.filter(([, due]) => due.length > 0);
};

const actionsOf = { trigger: ["trigger"], resolve: ["update", "resolve"], notice: ["notice"] } as const satisfies {
  readonly [S in Step]: ReadonlyArray<string>;
};
const keysOf = ({ step, dedupKey }: DueMessage): ReadonlyArray<string> =>
  actionsOf[step].map((action) => `${action} ${dedupKey}`);
