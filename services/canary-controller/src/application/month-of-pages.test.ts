import { assert, it } from "@effect/vitest";
import { epochMsOf, type ReleaseEvent, type ReleaseEventOf, releasesTopic, timestampOf } from "@sluice/contracts";
import { EventBus } from "@sluice/event-bus";
import { type Channel, layerChannels, type PageMessage } from "@sluice/pager";
import { at, bundle, event, wayTo } from "@sluice/release/testing/samples";
import { ReleaseLog } from "@sluice/release-log";
import { randomSource } from "@sluice/statistics";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Scope from "effect/Scope";
import { TestClock } from "effect/testing";
import { onAMorning } from "./controlled-stack.fixture.ts";
import { pageSender } from "./page-sender.ts";
import { recorded } from "./recorded-log.fixture.ts";

const HOUR = 3_600;
const DAY = 24 * HOUR;
const MONTH = 30 * DAY;
const applications = ["support-bot", "search-bot", "faq-bot", "sales-bot"];
const random = randomSource(7);
const between = (low: number, high: number) => Math.floor(low + (high - low) * random());

/** Six times the receiver is down for two to nine hours, in seconds since the start. */
const outages = Array.from({ length: 6 }, (_, i) => {
  const from = i * 5 * DAY + between(0, 3 * DAY);
  return { from, to: from + between(2 * HOUR, 9 * HOUR) };
});
const START = epochMsOf(at(0));
const isDown = (nowMs: number) =>
  outages.some(({ from, to }) => nowMs >= START + from * 1_000 && nowMs < START + to * 1_000);

/** The events of one release of an application, moved to its time, and how it ends. */
const release = (application: string, i: number, startS: number) => {
  const releaseId = `rel-${i}`;
  const way = wayTo(releaseId, { candidate: bundle(`${application} ${i}`) });
  const over = { releaseId, at: at(200) };
  const ends = {
    completed: way.completed,
    "rolled-back": [...way.breached, event("MitigationConfirmed", over), event("ReleaseRolledBack", over)],
    aborted: [...way.shadow, event("ReleaseAborted", over)],
  };
  const phase = (["completed", "rolled-back", "rolled-back", "aborted"] as const)[i % 4] ?? "aborted";
  const events = ends[phase].map((one): ReleaseEvent => {
    const moved = timestampOf(epochMsOf(one.at) + startS * 1_000);
    return { ...one, application, at: moved };
  });
  return { application, releaseId, phase, events };
};

/** Every three hours on average one of the applications begins a release, one after the other in each. */
const releases = applications.flatMap((application) =>
  Array.from({ length: 60 }, (_, i) => release(application, i, i * 12 * HOUR + between(HOUR, 11 * HOUR))),
);
const history = releases.flatMap(({ events }) => events).sort((a, b) => epochMsOf(a.at) - epochMsOf(b.at));

/** What must arrive, lane by lane: written down from the releases and not from the sender's own rules. */
const expected = (application: string) => {
  const own = releases.filter((one) => one.application === application);
  const key = (releaseId: string, what: string) => `sluice/${application}/${releaseId}/${what}`;
  return {
    pages: own
      .filter(({ phase }) => phase === "rolled-back")
      .flatMap(({ releaseId }) => ["trigger", "resolve"].map((action) => `${action} ${key(releaseId, "breach")}`)),
    notices: own.map(({ releaseId, phase }) => `notice ${key(releaseId, phase)}`),
  };
};

const settled = Effect.gen(function* () {
  for (let turn = 0; turn < 60; turn++) yield* Effect.yieldNow;
});

/** Lives the month through with a sender that ends `deaths` times, and starts again; gives back what has arrived. */
const liveThrough = Effect.fnUntraced(function* (deaths: number, isAbrupt: boolean) {
  const arrived: Array<PageMessage> = [];
  const channel: Channel = {
    name: "on-call",
    takesPages: true,
    wantsNoticeOf: () => true,
    send: Effect.fnUntraced(function* (message: PageMessage) {
      if (isDown(yield* Clock.currentTimeMillis)) return yield* Effect.fail({ reason: "it cannot be reached" });
      arrived.push(message);
      // The receiver's answer takes its time: a sender may die between the two.
      yield* Effect.yieldNow;
    }),
  };
  const bus = yield* EventBus;
  const said = yield* recorded;
  const start = Effect.gen(function* () {
    const scope = yield* Scope.make();
    yield* pageSender(60_000).pipe(Effect.provide(layerChannels([channel])), Scope.provide(scope));
    return scope;
  });
  yield* bus.publish(
    releasesTopic,
    applications.map((application) => event("ApplicationRegistered", { application })),
  );
  let scope = yield* start;
  const endings = new Set(Array.from({ length: deaths }, () => between(0, history.length)));
  for (const [i, one] of history.entries()) {
    yield* TestClock.setTime(epochMsOf(one.at));
    yield* settled;
    yield* bus.publish(releasesTopic, [one]);
    if (endings.has(i)) {
      if (isAbrupt) for (let turn = between(0, 40); turn > 0; turn--) yield* Effect.yieldNow;
      else yield* settled;
      yield* Scope.close(scope, Exit.void);
      scope = yield* start;
    }
    yield* settled;
  }
  yield* TestClock.setTime(START + (MONTH + DAY) * 1_000);
  yield* settled;
  yield* TestClock.adjust("5 minutes");
  yield* settled;
  yield* Scope.close(scope, Exit.void);
  return { arrived, said };
});

const lanes = (messages: ReadonlyArray<PageMessage>, application: string) => {
  const own = messages.filter((message) => message.application === application);
  const told = (isNotice: boolean) =>
    own
      .filter(({ action }) => (action === "notice") === isNotice)
      .map(({ action, dedupKey }) => `${action} ${dedupKey}`);
  return { pages: told(false), notices: told(true) };
};

it.effect("a month in which the receiver is down for hours: nothing lost, order kept, nothing twice", () =>
  Effect.gen(function* () {
    const { arrived, said } = yield* liveThrough(20, false);
    for (const application of applications) assert.deepStrictEqual(lanes(arrived, application), expected(application));
    const undelivered = said.filter((one): one is ReleaseEventOf<"PageUndelivered"> => one._tag === "PageUndelivered");
    assert.isAbove(undelivered.length, 10, "the outages met some messages");
    assert.strictEqual(new Set(undelivered.map(({ dedupKey }) => dedupKey)).size, undelivered.length);
    const states = [...(yield* ReleaseLog).applications().values()];
    assert.isTrue(states.every(({ pages, notices }) => pages.length === 0 && notices.length === 0));
    assert.isTrue(
      arrived.some(({ at: happened }) => isDown(epochMsOf(happened))),
      "some waited for the receiver",
    );
  }).pipe(onAMorning),
);

it.effect("a sender that dies while it sends repeats a message at most once each time, under its key", () =>
  Effect.gen(function* () {
    const deaths = 60;
    const { arrived } = yield* liveThrough(deaths, true);
    for (const application of applications) {
      const { pages, notices } = lanes(arrived, application);
      assert.deepStrictEqual({ pages: [...new Set(pages)], notices: [...new Set(notices)] }, expected(application));
    }
    const sent = applications.flatMap((application) => Object.values(expected(application)).flat());
    assert.isAtMost(arrived.length, sent.length + 2 * deaths);
  }).pipe(onAMorning),
);
