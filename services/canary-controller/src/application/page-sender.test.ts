import { assert, it } from "@effect/vitest";
import { BusError } from "@sluice/event-bus";
import { type PageMessage, Pager, PagerError } from "@sluice/pager";
import { type ApplicationState, initialState, type Page, type ReleaseCommand } from "@sluice/release";
import { at } from "@sluice/release/testing/samples";
import { ReleaseLog } from "@sluice/release-log";
import * as Effect from "effect/Effect";
import * as Stream from "effect/Stream";
import { onAMorning, pass } from "./controlled-stack.fixture.ts";
import { pageSender } from "./page-sender.ts";

const page = (application: string, seconds: number, changes: Partial<Page> = {}): Page => ({
  dedupKey: `sluice/${application}/rel-1/breach`,
  releaseId: "rel-1",
  sentence: "The error rate is 9 % on the candidate.",
  at: at(seconds),
  sentAt: null,
  resolvable: false,
  unacknowledged: [],
  severity: "critical",
  channel: null,
  undelivered: null,
  ...changes,
});

/** A log whose pages are recorded, unless its bus is down, and a pager that fails for one application. */
const outbox = Effect.fnUntraced(function* (pages: ReadonlyArray<readonly [string, Page]>, unreachable = "none") {
  const states = new Map<string, ApplicationState>(
    pages.map(([application, due]) => [application, { ...initialState(application), pages: [due] }]),
  );
  const seen = { sent: [] as Array<string>, attempts: 0, isBusDown: false, recorded: [] as Array<ReleaseCommand> };
  const log = ReleaseLog.of({
    applications: () => states,
    changes: Stream.never,
    submit: (command) =>
      Effect.suspend(() => {
        if (seen.isBusDown) return Effect.fail(new BusError({ operation: "publish", message: "no broker" }));
        seen.recorded.push(command);
        if (command._tag !== "RecordPageUndelivered") states.delete(command.application);
        return Effect.succeed([]);
      }),
  });
  const send = ({ application, action }: PageMessage) =>
    Effect.suspend(() => {
      if (application === unreachable) {
        seen.attempts += 1;
        return Effect.fail(new PagerError({ message: "test: 503", taken: [] }));
      }
      seen.sent.push(`${action} ${application}`);
      return Effect.succeed({ channel: "test", notTakenBy: [] });
    });
  const pager = Pager.of({ page: send, notify: (message) => Effect.as(send(message), ["test"]) });
  const start = pageSender(1_000).pipe(Effect.provideService(ReleaseLog, log), Effect.provideService(Pager, pager));
  return { seen, start };
});

it.effect("a page that was taken is not sent again while the log cannot be told: only the record is", () =>
  Effect.gen(function* () {
    const { seen, start } = yield* outbox([["support-bot", page("support-bot", 1)]]);
    seen.isBusDown = true;
    yield* start;
    yield* pass(10);
    assert.deepStrictEqual(seen.sent, ["trigger support-bot"]);
    seen.isBusDown = false;
    yield* pass(2);
    assert.deepStrictEqual(
      seen.recorded.map((command) => command._tag),
      ["RecordPageSent"],
    );
    assert.strictEqual(seen.sent.length, 1);
  }).pipe(onAMorning),
);

it.effect("a page that fails waits by itself, ever longer, and the others go out at once, triggers first", () =>
  Effect.gen(function* () {
    const over = page("faq-bot", 2, { sentAt: at(3), resolvable: true });
    const { seen, start } = yield* outbox(
      [
        ["broken-bot", page("broken-bot", 1)],
        ["faq-bot", over],
        ["sales-bot", page("sales-bot", 4)],
      ],
      "broken-bot",
    );
    yield* start;
    yield* pass(1);
    assert.deepStrictEqual(seen.sent, ["trigger sales-bot", "resolve faq-bot"]);
    yield* pass(60);
    assert.isAtLeast(seen.attempts, 4);
    assert.isAtMost(seen.attempts, 8);
  }).pipe(onAMorning),
);
