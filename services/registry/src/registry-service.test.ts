import { assert, it } from "@effect/vitest";
import {
  type BundleReference,
  bundleDigest,
  MeBody,
  Policy,
  permissions,
  ReleaseBody,
  TokenCreatedBody,
} from "@sluice/contracts";
import * as EventStore from "@sluice/event-store";
import { ReleaseLog } from "@sluice/release-log";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { STREAM_PAGE } from "./adapters/http/event-stream.ts";
import { registryService } from "./registry-service.ts";
import {
  bundle,
  call,
  decided,
  failure,
  ports,
  roles,
  store,
  tokens,
  verified,
  withApplication,
} from "./testing/registry-in-memory.ts";

const start = registryService({ port: 0, tokens });

it.live("a release is requested once, however often its request is sent, and is on record", () =>
  Effect.gen(function* () {
    const { address } = yield* start;
    yield* Effect.promise(async () => {
      const { candidate } = await withApplication(address);
      const request = () =>
        call(address, "POST", "/v1/releases", {
          role: "ci",
          body: { application: "support-bot", candidate, team: "support" },
          headers: { "idempotency-key": "merge-1" },
        });
      const first = await request();
      const second = await request();
      assert.strictEqual(first.status, 201);
      assert.deepStrictEqual(
        decided(first.body).events.map((event) => event.type),
        ["ReleaseRequested"],
      );
      assert.strictEqual(second.status, 201);
      assert.deepStrictEqual(decided(second.body), { ...decided(first.body), events: [] });

      const detail = await call(address, "GET", `/v1/releases/${decided(first.body).releaseId}`, {
        role: "viewer",
      });
      const found = Schema.decodeUnknownSync(ReleaseBody)(detail.body);
      assert.strictEqual(found.release.phase, "requested");
      assert.strictEqual(found.active?.waitsFor, "the offline gate");
      assert.strictEqual(found.next, null);
      const rest = await call(
        address,
        "GET",
        `/v1/releases/${found.release.releaseId}?after=${found.events[0]?.position}`,
      );
      assert.deepStrictEqual(Schema.decodeUnknownSync(ReleaseBody)(rest.body).events, []);
      const wrong = await call(address, "GET", `/v1/releases/${found.release.releaseId}?after=x`);
      assert.match(failure(wrong.body).message, /query after is x/);
      assert.deepStrictEqual(
        found.events.map(({ event, accepted }) => [event._tag, accepted, "author" in event && event.author]),
        [["ReleaseRequested", true, { id: "the ci", role: "ci" }]],
      );
      const verification = await call(address, "GET", "/v1/audit/verify");
      assert.deepStrictEqual([verified(verification.body).rows, verified(verification.body).faults], [2, []]);
      await call(address, "POST", `/v1/releases/${decided(first.body).releaseId}/abort`, {
        body: { reason: "enough" },
      });
      const afterItsEnd = await request();
      assert.deepStrictEqual([afterItsEnd.status, decided(afterItsEnd.body)], [201, decided(second.body)]);
    });
  }).pipe(Effect.scoped, Effect.provide(ports)),
);

it.live("a key stands for one candidate under one policy, while its release is open and after its end", () =>
  Effect.gen(function* () {
    const { address } = yield* start;
    yield* Effect.promise(async () => {
      const { candidate } = await withApplication(address);
      const another = await store(address, bundle("Be kind."));
      const good = { application: "support-bot", candidate, team: "support" };
      const request = (body: object) =>
        call(address, "POST", "/v1/releases", { body, headers: { "idempotency-key": "merge-1" } });
      const { releaseId } = decided((await request(good)).body);
      const check = async () => {
        for (const different of [
          { ...good, candidate: another },
          { ...good, policy: { whileActive: "reject" } },
        ]) {
          const answer = await request(different);
          assert.deepStrictEqual([answer.status, failure(answer.body).code], [409, "release-exists"]);
          assert.match(failure(answer.body).message, /idempotency-key merge-1 led to release .* send another key/);
          assert.include(failure(answer.body).message, candidate.digest);
        }
        const described = await request({ ...good, description: "said again with more words" });
        assert.deepStrictEqual([described.status, decided(described.body).releaseId], [201, releaseId]);
      };
      await check();
      await call(address, "POST", `/v1/releases/${releaseId}/abort`, { body: { reason: "enough" } });
      await check();
    });
  }).pipe(Effect.scoped, Effect.provide(ports)),
);

it.live("bad input is answered with one sentence that names the field, and nothing is recorded", () =>
  Effect.gen(function* () {
    const { address } = yield* start;
    yield* Effect.promise(async () => {
      const { candidate, baseline } = await withApplication(address);
      const good = { application: "support-bot", candidate, team: "support" };
      const bad: ReadonlyArray<readonly [unknown, number, RegExp]> = [
        ["{", 400, /body: .*JSON/],
        [{ ...good, application: "Support Bot" }, 400, /^body\.application: Expected .*63/],
        [{ ...good, team: undefined }, 400, /^body\.team: /],
        [{ ...good, surprise: 1 }, 400, /^body\.surprise: /],
        [{ ...good, policy: { shadow: { alpha: 3 } } }, 400, /^body\.policy\.shadow\.alpha: /],
        [{ ...good, candidate: { ...candidate, digest: baseline.digest } }, 400, /candidate\.digest .* hash to/],
        [{ ...good, candidate: baseline }, 409, /already the baseline/],
        [{ ...good, application: "other-bot" }, 404, /other-bot has no baseline/],
        [`{"application": "${"x".repeat(2 ** 20)}"}`, 413, /larger/],
      ];
      for (const [body, status, sentence] of bad) {
        const answer = await call(address, "POST", "/v1/releases", { body });
        assert.strictEqual(answer.status, status, JSON.stringify(answer.body));
        assert.match(failure(answer.body).message, sentence);
        assert.notMatch(failure(answer.body).message, /\n|at file|\.ts:/);
      }
      const unknown = await store(address, bundle("Stored, then forgotten."));
      const missing = { ...unknown.artifacts, prompt: `sha256:${"0".repeat(64)}` };
      const answer = await call(address, "POST", "/v1/releases", {
        body: {
          ...good,
          candidate: { digest: bundleDigest(missing), artifacts: missing },
        },
      });
      assert.match(failure(answer.body).message, /candidate\.artifacts\.prompt names sha256:0+, which is not stored/);
      const verification = await call(address, "GET", "/v1/audit/verify");
      // Only the registration: what `decide` refuses is never published.
      assert.strictEqual(verified(verification.body).rows, 1);
    });
  }).pipe(Effect.scoped, Effect.provide(ports)),
);

it.live("tells a token's bearer who they are and what they may do, as the server itself would decide", () =>
  Effect.gen(function* () {
    const { address } = yield* start;
    yield* Effect.promise(async () => {
      for (const role of roles) {
        const { status, body } = await call(address, "GET", "/v1/me", { role });
        assert.strictEqual(status, 200);
        const me = Schema.decodeUnknownSync(MeBody)(body);
        assert.deepStrictEqual([me.id, me.role], [`the ${role}`, role]);
        for (const [permission, allowed] of Object.entries(permissions))
          assert.strictEqual(
            me.permissions.some((mine) => mine === permission),
            allowed.some((one) => one === role),
            `${role} ${permission}`,
          );
      }
    });
  }).pipe(Effect.provide(ports)),
);

const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
};

/** A release that came by the log itself, where its id is the sender's choice. */
const requestedOf = (application: string, releaseId: string, candidate: BundleReference) =>
  ({
    _tag: "RequestRelease",
    application,
    releaseId,
    at: "2026-01-01T00:00:00.000Z",
    author: { id: "ci", role: "ci" },
    candidate,
    policy: Schema.decodeUnknownSync(Policy)({}),
    evidence: null,
    team: "support",
    description: "",
    commit: null,
    link: null,
    mergedAt: null,
  }) as const;

it.live("an id that two applications use names neither release until the application is said", () =>
  Effect.gen(function* () {
    const { address } = yield* start;
    const log = yield* ReleaseLog;
    const { baseline, candidate } = yield* Effect.promise(() => withApplication(address));
    yield* Effect.promise(() =>
      call(address, "POST", "/v1/applications", { body: { application: "search-bot", baseline } }),
    );
    for (const application of ["support-bot", "search-bot"])
      yield* log.submit(requestedOf(application, "merge-1", candidate));
    yield* Effect.promise(async () => {
      const body = { reason: "enough" };
      for (const [method, path] of [
        ["GET", "/v1/releases/merge-1"],
        ["POST", "/v1/releases/merge-1/abort"],
      ] as const) {
        const refused = await call(address, method, path, method === "POST" ? { body } : {});
        assert.deepStrictEqual([refused.status, failure(refused.body).code], [409, "ambiguous-release"]);
        assert.match(failure(refused.body).message, /in support-bot and search-bot; say which with \?application=/);
      }
      const aborted = await call(address, "POST", "/v1/releases/merge-1/abort?application=search-bot", { body });
      assert.deepStrictEqual([aborted.status, decided(aborted.body).application], [200, "search-bot"]);
      const detail = await call(address, "GET", "/v1/releases/merge-1?application=support-bot");
      const found = Schema.decodeUnknownSync(ReleaseBody)(detail.body);
      assert.deepStrictEqual([found.release.application, found.release.phase], ["support-bot", "requested"]);
      assert.deepStrictEqual(
        found.events.map(({ event }) => event.application),
        ["support-bot"],
      );
      const unknown = await call(address, "GET", "/v1/releases/merge-1?application=other-bot");
      assert.strictEqual(unknown.status, 404);
    });
  }).pipe(Effect.scoped, Effect.provide(ports)),
);

/** Frames of an event stream until `enough` says so. */
const frames = async (address: string, headers: Record<string, string>, enough: (frames: Array<string>) => boolean) => {
  const abort = new AbortController();
  const response = await fetch(`${address}/v1/events/stream`, {
    headers: { authorization: "Bearer token-of-viewer", ...headers },
    signal: abort.signal,
  });
  const seen: Array<string> = [];
  let rest = "";
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const parts = `${rest}${chunk}`.split("\n\n");
    rest = parts.pop() ?? "";
    seen.push(...parts);
    if (enough(seen)) break;
  }
  abort.abort();
  return seen;
};

it.live("a stream that breaks is taken up where it broke: nothing missing, nothing twice", () =>
  Effect.gen(function* () {
    const { address } = yield* start;
    yield* Effect.promise(async () => {
      const { candidate } = await withApplication(address);
      const live = frames(address, { "last-event-id": "0" }, (seen) =>
        seen.some((frame) => frame.includes("ReleaseRequested")),
      );
      const requested = await call(address, "POST", "/v1/releases", {
        body: { application: "support-bot", candidate, team: "support" },
      });
      const ids = (seen: Array<string>) => seen.flatMap((frame) => frame.match(/^id: (\d+)/)?.[1] ?? []);
      assert.deepStrictEqual(ids(await live), ["1", "2"]);
      await call(address, "POST", `/v1/releases/${decided(requested.body).releaseId}/abort`, {
        body: { reason: "changed our mind" },
      });
      const resumed = await frames(address, { "last-event-id": "1" }, (seen) => ids(seen).length === 2);
      assert.deepStrictEqual(ids(resumed), ["2", "3"]);
      assert.match(resumed.at(-1) ?? "", /ReleaseAborted/);
      assert.isTrue(resumed.some((frame) => frame.startsWith("event: state") && frame.includes('"phase":"aborted"')));
    });
  }).pipe(Effect.scoped, Effect.provide(ports)),
);

it.live("a stream ends with its token, and no other one does", () =>
  Effect.gen(function* () {
    const { address } = yield* registryService({ port: 0, tokens, streamHeartbeatMs: 10, tokenCacheMs: 1 });
    yield* Effect.promise(async () => {
      const made = await call(address, "POST", "/v1/tokens", { body: { subject: "grace", role: "viewer" } });
      const { token, created } = Schema.decodeUnknownSync(TokenCreatedBody)(made.body);
      const isAlive = (seen: Array<string>) => seen.includes(": alive");
      const received: Array<string> = [];
      const revoked = frames(address, { authorization: `Bearer ${token}` }, (seen) => {
        received.splice(0, received.length, ...seen);
        return false;
      });
      await until(() => isAlive(received));
      await call(address, "POST", `/v1/tokens/${created.tokenId}/revoke`);
      // Ends by itself: its end is what this awaits.
      await revoked.catch(() => []);
      assert.strictEqual(
        (await frames(address, {}, (seen) => seen.length > 5)).filter((one) => one === ": alive").length > 5,
        true,
      );
    });
  }).pipe(Effect.scoped, Effect.provide(ports)),
);

it.live("a reason is one that a terminal shows as it was written", () =>
  Effect.gen(function* () {
    const { address } = yield* start;
    yield* Effect.promise(async () => {
      await withApplication(address);
      const freeze = (reason: string) =>
        call(address, "POST", "/v1/applications/support-bot/freeze", { body: { reason } });
      const refused = await freeze("all is well\u001b[2K");
      assert.strictEqual(refused.status, 400);
      assert.match(failure(refused.body).message, /reason.*without control characters/);
      assert.strictEqual((await freeze("the sale:\n\tuntil monday")).status, 200);
    });
  }).pipe(Effect.scoped, Effect.provide(ports)),
);

it.live("a stream whose store fails ends, so that its client comes back and misses nothing", () =>
  Effect.gen(function* () {
    const store = yield* EventStore.EventStore;
    const away = { reads: 0 };
    const flaky = EventStore.EventStore.of({
      ...store,
      read: (options) => {
        // The analysts' table reads without a stream's page size.
        if (away.reads === 0 || options.limit !== STREAM_PAGE) return store.read(options);
        away.reads -= 1;
        return Effect.fail(new EventStore.EventStoreError({ operation: "read", message: "the store is away" }));
      },
    });
    const { address } = yield* Effect.provideService(start, EventStore.EventStore, flaky);
    yield* Effect.promise(async () => {
      const { candidate } = await withApplication(address);
      const ids = (seen: Array<string>) => seen.flatMap((frame) => frame.match(/^id: (\d+)/)?.[1] ?? []);
      const received: Array<string> = [];
      const broken = frames(address, { "last-event-id": "0" }, (seen) => {
        received.splice(0, received.length, ...seen);
        return false;
      });
      await until(() => ids(received).length === 1);
      away.reads = 1;
      await call(address, "POST", "/v1/releases", { body: { application: "support-bot", candidate, team: "support" } });
      // Ends by itself: its end is what this awaits.
      await broken.catch(() => []);
      assert.deepStrictEqual(ids(received), ["1"]);
      const resumed = await frames(address, { "last-event-id": "1" }, (seen) => ids(seen).length === 1);
      assert.deepStrictEqual(ids(resumed), ["2"]);
    });
  }).pipe(Effect.scoped, Effect.provide(ports)),
);

it.live(
  "a record that stays behind the log is not ready, until it has caught up",
  () =>
    Effect.gen(function* () {
      const store = yield* EventStore.EventStore;
      const away = { now: false };
      const flaky = EventStore.EventStore.of({
        ...store,
        append: (records, at) =>
          away.now
            ? Effect.fail(new EventStore.EventStoreError({ operation: "append", message: "the store is away" }))
            : store.append(records, at),
      });
      const service = registryService({ port: 0, tokens, maxRecordLagMs: 300 });
      const { address } = yield* Effect.provideService(service, EventStore.EventStore, flaky);
      yield* Effect.promise(async () => {
        const readiness = async () => (await fetch(`${address}/readyz`)).status;
        assert.strictEqual(await readiness(), 200);
        away.now = true;
        await withApplication(address);
        const deadline = Date.now() + 12_000;
        let status = await readiness();
        while (status === 200 && Date.now() < deadline) status = await readiness();
        assert.strictEqual(status, 503);
        away.now = false;
        while (status === 503 && Date.now() < deadline) status = await readiness();
        assert.strictEqual(status, 200);
      });
    }).pipe(Effect.scoped, Effect.provide(ports)),
  20_000,
);

it.live("an operator's action is refused with the log's own sentence", () =>
  Effect.gen(function* () {
    const { address } = yield* start;
    yield* Effect.promise(async () => {
      const { candidate } = await withApplication(address);
      const { body } = await call(address, "POST", "/v1/releases", {
        body: { application: "support-bot", candidate, team: "support" },
      });
      const path = `/v1/releases/${decided(body).releaseId}`;
      const resume = await call(address, "POST", `${path}/resume`, { body: { reason: "go on" } });
      assert.deepStrictEqual([resume.status, failure(resume.body).code], [409, "not-paused"]);
      const blank = await call(address, "POST", `${path}/abort`, { body: { reason: "  " } });
      assert.match(failure(blank.body).message, /^body\.reason: Expected a reason that is not blank/);
      const unknown = await call(address, "POST", "/v1/releases/rel-none/abort", { body: { reason: "x" } });
      assert.strictEqual(unknown.status, 404);
      const metrics = await fetch(`${address}/metrics`);
      assert.strictEqual(metrics.status, 200);
    });
  }).pipe(Effect.scoped, Effect.provide(ports)),
);
