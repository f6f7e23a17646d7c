import { assert, it } from "@effect/vitest";
import { type CanaryProgress, canaryProgressTopic, ProgressBody, releasesTopic } from "@sluice/contracts";
import * as EventBus from "@sluice/event-bus";
import { at, event, wayTo } from "@sluice/release/testing/samples";
import { ReleaseLog } from "@sluice/release-log";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { registryService } from "./registry-service.ts";
import { ports, tokens } from "./testing/registry-in-memory.ts";

const authorization = "Bearer token-of-viewer";

const progress: CanaryProgress = {
  _tag: "CanaryProgressed",
  application: "support-bot",
  releaseId: "rel-1",
  at: at(120),
  step: 0,
  steps: 3,
  share: 0.01,
  startedAt: at(100),
  holdEndsAt: at(160),
  deadline: at(14_560),
  readyAt: null,
  windowSeconds: 60,
  windows: 0,
  judgedThrough: null,
  requests: { baseline: 0, candidate: 0, needed: 10 },
  checks: [],
  combined: null,
  concurrentBaseline: true,
  waitsFor: ["10 more requests on the candidate"],
};

/** Reads the stream until a frame of this kind has come. */
const firstFrame = async (address: string, kind: string): Promise<unknown> => {
  const abort = new AbortController();
  const response = await fetch(`${address}/v1/events/stream`, { headers: { authorization }, signal: abort.signal });
  let text = "";
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    const data = text.match(new RegExp(`event: ${kind}\ndata: (.*)\n\n`, "u"))?.[1];
    if (data === undefined) continue;
    abort.abort();
    return JSON.parse(data);
  }
  throw new Error(`the stream ended without ${kind}: ${text}`);
};

it.live("how a canary step stands is answered and streamed, and forgotten once its step is over", () =>
  Effect.gen(function* () {
    const { address } = yield* registryService({ port: 0, tokens });
    const bus = yield* EventBus.EventBus;
    const log = yield* ReleaseLog;
    const read = Effect.promise(async () => {
      const response = await fetch(`${address}/v1/releases/rel-1/progress`, { headers: { authorization } });
      return Schema.decodeUnknownSync(ProgressBody)(await response.json()).progress;
    });
    yield* bus.publish(releasesTopic, [event("ApplicationRegistered"), ...wayTo().canary]);
    // Publishing returns before the readers have folded: the answer is asked for until the release is known.
    while (log.applications().get("support-bot")?.active?.step !== 0) yield* Effect.yieldNow;
    assert.isNull(yield* read);
    const streamed = firstFrame(address, "progress");
    yield* bus.publish(canaryProgressTopic, [progress]);
    assert.deepStrictEqual(yield* Effect.promise(() => streamed), progress);
    assert.deepStrictEqual(yield* read, progress);
    assert.deepStrictEqual(yield* Effect.promise(() => firstFrame(address, "progress")), progress);
    const author = { id: "olga", role: "operator" } as const;
    const head = { application: "support-bot", releaseId: "rel-1", at: at(200) };
    yield* log.submit({ _tag: "AbortRelease", ...head, author, reason: "enough seen", commandId: "abort-1" });
    assert.isNull(yield* read);
  }).pipe(Effect.provide(ports)),
);
