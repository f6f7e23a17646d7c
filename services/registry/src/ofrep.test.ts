import { assert, it } from "@effect/vitest";
import { OFREPProvider } from "@openfeature/ofrep-provider";
import { ErrorCode, OpenFeature } from "@openfeature/server-sdk";
import { assignArm } from "@sluice/assignment";
import { type Routing, releasesTopic, routingTopic } from "@sluice/contracts";
import * as EventBus from "@sluice/event-bus";
import { routingOf } from "@sluice/release";
import { event, wayTo } from "@sluice/release/testing/samples";
import { ReleaseLog } from "@sluice/release-log";
import * as Effect from "effect/Effect";
import { registryService } from "./registry-service.ts";
import { bundle, ports, tokens } from "./testing/registry-in-memory.ts";

const application = "support-bot";
const headers = { authorization: "Bearer token-of-viewer", "content-type": "application/json" };

/** A registry whose support-bot is at the second canary step: 25 %. */
const atStep = Effect.gen(function* () {
  const { address } = yield* registryService({ port: 0, tokens });
  const bus = yield* EventBus.EventBus;
  const log = yield* ReleaseLog;
  const started = wayTo().stepPassed;
  yield* bus.publish(releasesTopic, [
    event("ApplicationRegistered"),
    ...started,
    event("CanaryStepStarted", { step: 1, share: 0.25 }),
  ]);
  while (log.applications().get(application)?.active?.step !== 1) yield* Effect.yieldNow;
  return { address, bus, state: () => log.applications().get(application) };
});

const routingNow = (state: Parameters<typeof routingOf>[0]): Routing => {
  const digests = [state.baseline?.digest, state.active?.request.candidate.digest].flatMap((digest) => digest ?? []);
  const routing = routingOf(state, new Map(digests.map((digest) => [digest, bundle("any")])));
  if (!routing) throw new Error("the application has no baseline");
  return routing;
};

it.live("OpenFeature's own client is told the arm that a gateway would choose, and only while it is watched", () =>
  Effect.gen(function* () {
    const { address, bus, state } = yield* atStep;
    const now = state();
    if (!now?.active || !now.baseline) throw new Error("the canary has not begun");
    const { candidate } = now.active.request;
    yield* Effect.promise(() =>
      OpenFeature.setProviderAndWait(
        new OFREPProvider({ baseUrl: address, headers: [["authorization", "Bearer token-of-viewer"]] }),
      ),
    );
    const client = OpenFeature.getClient();
    const ask = (targetingKey: string) =>
      Effect.promise(() => client.getStringDetails(application, "my own", { targetingKey }));

    // Known from no live routing: nobody watches the candidate yet.
    const unwatched = yield* ask("anybody");
    assert.deepInclude(unwatched, { value: now.baseline.digest, variant: "baseline", reason: "STATIC" });

    yield* bus.publish(routingTopic, [routingNow(now)]);
    while ((yield* ask("anybody")).reason !== "SPLIT") yield* Effect.yieldNow;
    const seen = new Set<string>();
    for (let n = 0; n < 60; n += 1) {
      const details = yield* ask(`conversation-${n}`);
      const arm = assignArm({ share: 0.25, salt: "rel-1" }, `conversation-${n}`);
      const digest = arm === "candidate" ? candidate.digest : now.baseline.digest;
      assert.deepInclude(details, { variant: arm, value: digest });
      assert.deepInclude(details.flagMetadata, { release: "rel-1", bundle: digest, step: 1, phase: "canary" });
      seen.add(arm);
    }
    assert.strictEqual(seen.size, 2);

    // A breach counts from the log on, whatever the routing still says.
    yield* bus.publish(releasesTopic, [event("CanaryBreached", { step: 1 })]);
    while (state()?.active?.phase !== "breached") yield* Effect.yieldNow;
    for (let n = 0; n < 20; n += 1) assert.strictEqual((yield* ask(`conversation-${n}`)).variant, "baseline");

    const unknown = yield* Effect.promise(() => client.getStringDetails("nobody", "my own", { targetingKey: "a" }));
    assert.deepInclude(unknown, { value: "my own", errorCode: ErrorCode.FLAG_NOT_FOUND });
    const keyless = yield* Effect.promise(() => client.getStringDetails(application, "my own"));
    assert.deepInclude(keyless, { value: "my own", errorCode: ErrorCode.TARGETING_KEY_MISSING });
    yield* Effect.promise(() => OpenFeature.close());
  }).pipe(Effect.scoped, Effect.provide(ports)),
);

it.live("a bulk evaluation is answered 304 while nothing changed, and anew once it did", () =>
  Effect.gen(function* () {
    const { address, bus, state } = yield* atStep;
    const ask = (etag?: string) =>
      Effect.promise(async () => {
        const response = await fetch(`${address}/ofrep/v1/evaluate/flags`, {
          method: "POST",
          headers: { ...headers, ...(etag !== undefined && { "if-none-match": etag }) },
          body: JSON.stringify({ context: { targetingKey: "a", plan: "gold", nested: { any: [1] } } }),
        });
        return { status: response.status, etag: response.headers.get("etag") ?? "", text: await response.text() };
      });
    const first = yield* ask();
    assert.strictEqual(first.status, 200);
    assert.strictEqual(JSON.parse(first.text).flags[0].key, application);
    assert.deepInclude(yield* ask(first.etag), { status: 304, etag: first.etag, text: "" });
    assert.strictEqual((yield* ask('"other"')).status, 200);
    yield* bus.publish(releasesTopic, [event("ReleaseAborted")]);
    while (state()?.active !== null) yield* Effect.yieldNow;
    assert.strictEqual((yield* ask(first.etag)).status, 200);
  }).pipe(Effect.scoped, Effect.provide(ports)),
);

it.live("what OpenFeature's clients cannot use is refused in their own form", () =>
  Effect.gen(function* () {
    const { address } = yield* atStep;
    const bad: ReadonlyArray<readonly [string, string, number, string]> = [
      ["/support-bot", "{", 400, "PARSE_ERROR"],
      ["/support-bot", "{}", 400, "INVALID_CONTEXT"],
      ["/support-bot", '{"context":[]}', 400, "INVALID_CONTEXT"],
      ["/support-bot", '{"context":{"targetingKey":7}}', 400, "TARGETING_KEY_MISSING"],
      ["/other-bot", '{"context":{"targetingKey":"a"}}', 404, "FLAG_NOT_FOUND"],
      ["", '{"context":{"targetingKey":""}}', 400, "TARGETING_KEY_MISSING"],
    ];
    for (const [path, body, status, errorCode] of bad) {
      const url = `${address}/ofrep/v1/evaluate/flags${path}`;
      const response = yield* Effect.promise(() => fetch(url, { method: "POST", headers, body }));
      const answer = yield* Effect.promise(() => response.json() as Promise<Record<string, unknown>>);
      assert.deepStrictEqual([response.status, answer.errorCode], [status, errorCode], body);
      assert.isString(answer.errorDetails);
    }
    const byKey = yield* Effect.promise(() =>
      fetch(`${address}/ofrep/v1/evaluate/flags/support-bot`, {
        method: "POST",
        headers: { "x-api-key": "token-of-viewer", "content-type": "application/json" },
        body: '{"context":{"targetingKey":"a"}}',
      }),
    );
    assert.strictEqual(byKey.status, 200);
  }).pipe(Effect.scoped, Effect.provide(ports)),
);

it.live("a long poll is answered when the state changes, and 304 when its time is over", () =>
  Effect.gen(function* () {
    const { address, bus } = yield* atStep;
    const ask = (wait: string, etag?: string) =>
      Effect.promise(async () => {
        const response = await fetch(`${address}/v1/applications/${application}?wait=${wait}`, {
          headers: { ...headers, ...(etag !== undefined && { "if-none-match": etag }) },
        });
        return { status: response.status, etag: response.headers.get("etag") ?? "", text: await response.text() };
      });
    const first = yield* ask("50", '"of yesterday"');
    assert.strictEqual(first.status, 200, "who has another one is answered at once");
    assert.deepInclude(yield* ask("0.05", first.etag), { status: 304, text: "" });
    const waiting = ask("50", first.etag);
    const [changed] = yield* Effect.all(
      [waiting, Effect.andThen(Effect.sleep("50 millis"), bus.publish(releasesTopic, [event("ReleaseAborted")]))],
      { concurrency: "unbounded" },
    );
    assert.strictEqual(changed.status, 200);
    assert.strictEqual(JSON.parse(changed.text).last.phase, "aborted");
    for (const wait of ["-1", "56", "soon", ""]) assert.strictEqual((yield* ask(wait)).status, 400);
  }).pipe(Effect.scoped, Effect.provide(ports)),
);
