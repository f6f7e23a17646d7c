import { assert, it } from "@effect/vitest";
import {
  type Bundle,
  DecidedBody,
  digestOfBytes,
  ErrorBody,
  type Observation,
  ReleaseBody,
  referenceOf,
  timestampOf,
} from "@sluice/contracts";
import * as Telemetry from "@sluice/telemetry";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { registryService } from "./registry-service.ts";
import { ports } from "./testing/registry-in-memory.ts";

const application = "support-bot";
const tokens = [{ tokenDigest: digestOfBytes("secret"), id: "ada", role: "admin" }] as const;
const start = registryService({ port: 0, tokens });

const callerOf = (address: string) => async (method: string, path: string, body?: unknown, key?: string) => {
  const response = await fetch(`${address}${path}`, {
    method,
    headers: {
      authorization: "Bearer secret",
      ...(body !== undefined && { "content-type": "application/json" }),
      ...(key !== undefined && { "idempotency-key": key }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as unknown };
};

const bundle = (prompt: string): Bundle => ({
  prompt: { kind: "prompt", messages: [{ role: "system", content: prompt }] },
  model: { kind: "model", provider: "local", model: "small-1", parameters: {} },
});

/** An hour of traffic that has just ended: so many requests a minute, 2 % of which fail. */
const hourOfTraffic = (requestsPerMinute: number, now: number): ReadonlyArray<Observation> =>
  Array.from({ length: 60 * requestsPerMinute }, (_, i) => {
    const endedAtMs = now - 1 - i * (60_000 / requestsPerMinute);
    const failed = i % 50 === 0;
    return {
      observationId: `o-${i}`,
      application,
      releaseId: null,
      arm: "baseline",
      role: "user",
      assignedBundle: referenceOf(bundle("old")).digest,
      servedBundle: referenceOf(bundle("old")).digest,
      clusterKey: `c-${i}`,
      gatewayId: "gw-1",
      startedAt: timestampOf(endedAtMs - 200),
      endedAt: timestampOf(endedAtMs),
      streamed: false,
      status: failed ? 500 : 200,
      errorClass: failed ? "upstream-5xx" : null,
      latencyMs: 200 + ((i * 37) % 300),
      timeToFirstTokenMs: null,
      inputTokens: null,
      outputTokens: null,
      finishReason: null,
      refused: failed ? null : i % 25 === 1,
    };
  });

/** A registry with an application that has had such an hour, and what requests a release of it. */
const withTraffic = Effect.fnUntraced(function* (requestsPerMinute: number) {
  const { address } = yield* start;
  const call = callerOf(address);
  const store = yield* Telemetry.TelemetryStore;
  const now = Date.now();
  if (requestsPerMinute > 0)
    yield* store.insertObservations([
      {
        _tag: "ObservationsRecorded",
        batchId: "b",
        gatewayId: "gw-1",
        application,
        through: timestampOf(now),
        observations: hourOfTraffic(requestsPerMinute, now),
      },
    ]);
  yield* Effect.promise(async () => {
    for (const one of [bundle("old"), bundle("new")])
      for (const part of Object.values(one)) await call("PUT", "/v1/artifacts", part);
    await call("POST", "/v1/applications", { application, baseline: referenceOf(bundle("old")) });
  });
  const request = (forecast: Record<string, unknown>, key: string, canary: Record<string, unknown> = {}) =>
    Effect.promise(() =>
      call(
        "POST",
        "/v1/releases",
        {
          application,
          candidate: referenceOf(bundle("new")),
          team: "t",
          policy: { canary: { ...canary, forecast } },
        },
        key,
      ),
    );
  return { call, request };
});
const decided = Schema.decodeUnknownSync(DecidedBody);
const failure = (body: unknown) => Schema.decodeUnknownSync(ErrorBody)(body).error;

it.live("the answer to a request says what its canary will see, and so does the record", () =>
  Effect.gen(function* () {
    const { call, request } = yield* withTraffic(10);
    const answer = decided((yield* request({}, "k-1")).body);
    const forecast = answer.forecast ?? assert.fail("no forecast");
    assert.strictEqual(forecast.outcome, "unseen");
    assert.closeTo(forecast.traffic?.requestsPerMinute ?? 0, 10, 0.1);
    assert.deepStrictEqual(
      forecast.metrics.map(({ check }) => check),
      ["errorRate", "refusalRate", "latencyP95", "quality"],
    );
    const again = decided((yield* request({}, "k-1")).body);
    assert.deepStrictEqual([again.events, again.forecast], [[], forecast]);
    const { body } = yield* Effect.promise(() => call("GET", `/v1/releases/${answer.releaseId}`));
    const [first] = Schema.decodeUnknownSync(ReleaseBody)(body).events;
    assert.deepStrictEqual(first?.event._tag === "ReleaseRequested" && first.event.forecast, forecast);
  }).pipe(Effect.scoped, Effect.provide(ports)),
);

it.live("policy may refuse a release whose canary would see too little: with the figures, and nothing on record", () =>
  Effect.gen(function* () {
    const { call, request } = yield* withTraffic(10);
    const refused = yield* request({ whenUnseen: "refuse" }, "k-2");
    assert.deepStrictEqual([refused.status, failure(refused.body).code], [409, "cannot-detect"]);
    assert.match(
      failure(refused.body).message,
      /^At 10 requests a minute .* It cannot see errors 2\.\d\d % → 7\.\d\d %/,
    );
    const { body } = yield* Effect.promise(() => call("GET", "/v1/releases"));
    assert.deepStrictEqual(body, { releases: [] });
  }).pipe(Effect.scoped, Effect.provide(ports)),
);

it.live("policy may have a hold made longer, and the same key is then the same request", () =>
  Effect.gen(function* () {
    const { request } = yield* withTraffic(60);
    const steps = [0.05, 0.25, 1].map((share) => ({ share, holdSeconds: 600, minRequests: 20 }));
    const answer = decided((yield* request({ whenUnseen: "extend" }, "k-3", { steps })).body);
    const extended = answer.forecast?.extended ?? assert.fail("not extended");
    assert.deepStrictEqual([extended.step, extended.fromSeconds, extended.toSeconds > 600], [1, 600, true]);
    const again = yield* request({ whenUnseen: "extend" }, "k-3", { steps });
    assert.deepStrictEqual([again.status, decided(again.body).events], [201, []]);
    const another = yield* request({ whenUnseen: "extend" }, "k-3", { steps: steps.slice(1) });
    assert.strictEqual(failure(another.body).code, "release-exists");
  }).pipe(Effect.scoped, Effect.provide(ports)),
);

it.live("a store that does not answer stops nobody who did not insist on a forecast", () =>
  Effect.gen(function* () {
    const store = yield* Telemetry.TelemetryStore;
    const down = Telemetry.TelemetryStore.of({
      ...store,
      traffic: () => Effect.fail(new Telemetry.TelemetryError({ operation: "query", message: "connection refused" })),
    });
    const { request } = yield* Effect.provideService(withTraffic(0), Telemetry.TelemetryStore, down);
    const insisting = yield* request({ whenUnseen: "refuse" }, "k-4");
    assert.deepStrictEqual([insisting.status, failure(insisting.body).code], [503, "unavailable"]);
    const proceeding = decided((yield* request({}, "k-5")).body);
    assert.strictEqual(proceeding.forecast?.outcome, "unknown");
    assert.deepStrictEqual(
      proceeding.events.map(({ type }) => type),
      ["ReleaseRequested"],
    );
  }).pipe(Effect.scoped, Effect.provide(ports)),
);
