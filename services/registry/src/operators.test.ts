import { assert, it } from "@effect/vitest";
import {
  AlertsBody,
  ApplicationsBody,
  DecidedForAllBody,
  Policy,
  releasesTopic,
  ServedAtBody,
} from "@sluice/contracts";
import * as EventBus from "@sluice/event-bus";
import { event, wayTo } from "@sluice/release/testing/samples";
import { ReleaseLog } from "@sluice/release-log";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { registryService } from "./registry-service.ts";
import { call, failure, ports, tokens } from "./testing/registry-in-memory.ts";

const start = registryService({ port: 0, tokens });
const UNTIL = "2099-01-31T09:00:00.000Z";

/** Two applications; the first has a canary. */
const world = Effect.gen(function* () {
  const { address } = yield* start;
  const bus = yield* EventBus.EventBus;
  const log = yield* ReleaseLog;
  const canary = wayTo().canary;
  yield* bus.publish(releasesTopic, [
    event("ApplicationRegistered"),
    event("ApplicationRegistered", { application: "faq-bot" }),
    ...canary,
  ]);
  while (log.applications().get("support-bot")?.active?.step !== 0) yield* Effect.yieldNow;
  const post = (path: string, body: unknown, headers: Record<string, string> = {}, role = "operator") =>
    Effect.promise(() => call(address, "POST", path, { role: role as "operator", body, headers }));
  const states = Effect.promise(async () => {
    const { body } = await call(address, "GET", "/v1/applications");
    const { applications } = Schema.decodeUnknownSync(ApplicationsBody)(body);
    return new Map(applications.map((state) => [state.application, state]));
  });
  return { post, states, log };
});

it.live("a freeze of one application is in force, told with author and reason, and lifted", () =>
  Effect.gen(function* () {
    const { post, states } = yield* world;
    const frozen = yield* post("/v1/applications/faq-bot/freeze", { reason: "peak season", until: UNTIL });
    assert.strictEqual(frozen.status, 200);
    const [freeze, ...more] = (yield* states).get("faq-bot")?.freezes ?? [];
    assert.strictEqual(more.length, 0);
    assert.deepInclude(freeze, { stop: false, until: UNTIL, reason: "peak season" });
    assert.strictEqual(freeze?.author?.id, "the operator");
    assert.isUndefined((yield* states).get("support-bot")?.freezes);
    assert.strictEqual((yield* post("/v1/applications/faq-bot/unfreeze", { reason: "over" })).status, 200);
    assert.isUndefined((yield* states).get("faq-bot")?.freezes);
    const nothing = yield* post("/v1/applications/faq-bot/unfreeze", { reason: "over" });
    assert.deepStrictEqual([nothing.status, failure(nothing.body).code], [409, "not-frozen"]);
  }).pipe(Effect.provide(ports)),
);

it.live(
  "the emergency stop of all takes every canary off its users at once; the same request again changes nothing",
  () =>
    Effect.gen(function* () {
      const { post, states, log } = yield* world;
      const headers = { "idempotency-key": "stop-the-line" };
      const stopped = yield* post("/v1/stop", { reason: "the provider leaks prompts" }, headers);
      const answer = Schema.decodeUnknownSync(DecidedForAllBody)(stopped.body);
      assert.deepStrictEqual([...answer.applications].sort(), ["faq-bot", "support-bot"]);
      assert.deepStrictEqual(answer.pending, []);
      const pinned = (yield* states).get("support-bot");
      assert.deepStrictEqual([pinned?.active?.phase, pinned?.active?.share], ["breached", 0]);
      assert.match(log.applications().get("support-bot")?.pages[0]?.sentence ?? "", /^Emergency stop by the operator/);
      const again = Schema.decodeUnknownSync(DecidedForAllBody)(
        (yield* post("/v1/stop", { reason: "again" }, headers)).body,
      );
      assert.deepStrictEqual(again.events, []);
      assert.strictEqual((yield* states).get("faq-bot")?.freezes?.length, 1);
      yield* post("/v1/unfreeze", { reason: "mended" });
      assert.isTrue([...(yield* states).values()].every(({ freezes }) => freezes === undefined));
    }).pipe(Effect.provide(ports)),
);

it.live("what ran in an emergency stop is the baseline alone, in the shadow too", () =>
  Effect.gen(function* () {
    const { address } = yield* start;
    const bus = yield* EventBus.EventBus;
    const log = yield* ReleaseLog;
    yield* bus.publish(releasesTopic, [event("ApplicationRegistered"), ...wayTo().shadow]);
    while (log.applications().get("support-bot")?.active?.phase !== "shadow") yield* Effect.yieldNow;
    const candidate = Effect.promise(async () => {
      const at = "2100-01-01T00:00:00.000Z";
      const { body } = await call(address, "GET", `/v1/audit/at?application=support-bot&at=${at}`);
      return Schema.decodeUnknownSync(ServedAtBody)(body).candidate;
    });
    const stop = (verb: string) =>
      Effect.promise(() =>
        call(address, "POST", `/v1/applications/support-bot/${verb}`, { role: "operator", body: { reason: "leak" } }),
      );
    assert.strictEqual((yield* stop("stop")).status, 200);
    assert.isNull(yield* candidate);
    assert.strictEqual((yield* stop("unfreeze")).status, 200);
    assert.strictEqual((yield* candidate)?.phase, "shadow");
  }).pipe(Effect.provide(ports)),
);

it.live("who proposed an override does not confirm it under another name; somebody else does", () =>
  Effect.gen(function* () {
    const { address } = yield* start;
    const bus = yield* EventBus.EventBus;
    const log = yield* ReleaseLog;
    const twoPeople = Schema.decodeUnknownSync(Policy)({ override: { approvals: 2 } });
    const propose = (releaseId: string, id: string) =>
      event("OverrideProposed", { releaseId, author: { id, role: "approver" } });
    yield* bus.publish(releasesTopic, [
      event("ApplicationRegistered"),
      ...wayTo("rel-1", { policy: twoPeople }).blocked,
      propose("rel-1", "github:The Approver"),
      ...wayTo("rel-2", { policy: twoPeople }).blocked,
      propose("rel-2", "somebody else"),
    ]);
    const isProposed = (releaseId: string) =>
      log
        .applications()
        .get("support-bot")
        ?.blocked.some((release) => release.releaseId === releaseId && release.proposal !== null);
    while (!isProposed("rel-2")) yield* Effect.yieldNow;
    const confirm = (releaseId: string) =>
      Effect.promise(() =>
        call(address, "POST", `/v1/releases/${releaseId}/override`, {
          role: "approver",
          body: { reason: "the cases are wrong" },
        }),
      );
    const refused = yield* confirm("rel-1");
    assert.deepStrictEqual([refused.status, failure(refused.body).code], [403, "separation-of-duty"]);
    assert.match(failure(refused.body).message, /as github:The Approver/);
    assert.strictEqual((yield* confirm("rel-2")).status, 200);
    assert.strictEqual(log.applications().get("support-bot")?.active?.override?.proposedBy?.id, "somebody else");
  }).pipe(Effect.provide(ports)),
);

it.live("nobody below operator may freeze or stop, and no application takes the name that stands for all", () =>
  Effect.gen(function* () {
    const { post, states } = yield* world;
    for (const path of ["/v1/stop", "/v1/freeze", "/v1/unfreeze", "/v1/applications/faq-bot/stop"])
      for (const role of ["viewer", "ci", "approver"])
        assert.strictEqual((yield* post(path, { reason: "because" }, {}, role)).status, 403);
    assert.strictEqual((yield* post("/v1/applications/unknown-bot/stop", { reason: "because" })).status, 404);
    yield* post("/v1/freeze", { reason: "year end" });
    assert.deepStrictEqual([...(yield* states).keys()].sort(), ["faq-bot", "support-bot"]);
  }).pipe(Effect.provide(ports)),
);

const alert = (changes: Record<string, unknown> = {}) => ({
  status: "firing",
  labels: { alertname: "TokensExplode", application: "support-bot", release: "rel-1" },
  annotations: { summary: "tokens per answer have tripled" },
  startsAt: "2026-01-31T09:02:00.123456789Z",
  endsAt: "0001-01-01T00:00:00Z",
  generatorURL: "http://prometheus/graph",
  fingerprint: "0123456789abcdef",
  ...changes,
});
const notification = (...alerts: ReadonlyArray<unknown>) => ({
  version: "4",
  groupKey: '{}:{alertname="TokensExplode"}',
  truncatedAlerts: 0,
  status: "firing",
  receiver: "sluice",
  groupLabels: {},
  commonLabels: {},
  commonAnnotations: {},
  externalURL: "http://alertmanager",
  alerts,
});

it.live(
  "a firing alert of Alertmanager that names the application breaches its canary, once, and says who reported it",
  () =>
    Effect.gen(function* () {
      const { post, log } = yield* world;
      const outcomes = Effect.fnUntraced(function* (body: unknown) {
        const answer = yield* post("/v1/alerts", body, {}, "ci");
        assert.strictEqual(answer.status, 200);
        return Schema.decodeUnknownSync(AlertsBody)(answer.body).alerts.map(({ outcome }) => outcome);
      });
      const others = [
        alert({ status: "resolved" }),
        alert({ labels: { alertname: "NoApplication" } }),
        alert({ labels: { application: "faq-bot" } }),
        alert({ labels: { application: "support-bot", release: "rel-0" } }),
      ];
      assert.deepStrictEqual(yield* outcomes(notification(...others)), ["ignored", "ignored", "ignored", "ignored"]);
      assert.strictEqual(log.applications().get("support-bot")?.active?.phase, "canary");
      assert.deepStrictEqual(yield* outcomes(notification(alert(), alert())), ["breached", "ignored"]);
      const { active, pages } = log.applications().get("support-bot") ?? {};
      assert.strictEqual(active?.breach?.cause, "external");
      assert.strictEqual(
        active?.breach?.sentence,
        "Alert TokensExplode, reported by the ci: tokens per answer have tripled",
      );
      assert.strictEqual(pages?.length, 1);
    }).pipe(Effect.provide(ports)),
);

it.live("what is no webhook of version 4, or comes without the right to report, breaches nothing", () =>
  Effect.gen(function* () {
    const { post, log } = yield* world;
    assert.strictEqual((yield* post("/v1/alerts", { ...notification(alert()), version: "3" })).status, 400);
    assert.strictEqual((yield* post("/v1/alerts", notification(alert()), {}, "viewer")).status, 403);
    assert.strictEqual(log.applications().get("support-bot")?.active?.phase, "canary");
  }).pipe(Effect.provide(ports)),
);
