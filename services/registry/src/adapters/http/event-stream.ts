import type { ServerResponse } from "node:http";
import { type CanaryProgress, EVERY_APPLICATION } from "@sluice/contracts";
import { EventStore, releaseEventOf, type StoredEvent } from "@sluice/event-store";
import { releaseStateOf } from "@sluice/release";
import { ReleaseLog } from "@sluice/release-log";
import * as Cause from "effect/Cause";
import type * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as PubSub from "effect/PubSub";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { KnownProgress } from "../../application/canary-progress.ts";
import type { Recorder } from "../../application/recorder.ts";
import type { RegistrySettings } from "../../settings.ts";
import type { Ports } from "./answer.ts";
import { HttpFailure } from "./http-failure.ts";
import { recordedEventBody } from "./recorded-event-body.ts";

/** Rows read at a time. */
export const STREAM_PAGE = 200;

/**
 * `event: state` once for each application at the start; then `event: release-event` for each row of the record, with its
 * position as id. A client that comes back with Last-Event-ID gets what it missed, in order and once. Between them
 * `event: progress` tells how canary steps stand; that has no id, and what was missed of it is no longer true.
 */
export const eventStream = (
  settings: RegistrySettings,
  recorder: Recorder,
  progress: KnownProgress,
  context: Context.Context<Ports>,
) => {
  let open = 0;
  return (request: FastifyRequest, reply: FastifyReply, stillPermitted: () => Promise<boolean>): void => {
    if (open >= settings.maxStreams)
      throw new HttpFailure(503, "too-many-streams", `${settings.maxStreams} streams are open; close some`);
    const lastSeen = lastEventId(request);
    const application = applicationOf(request);
    reply.hijack();
    const out = reply.raw;
    out.writeHead(200, {
      // Set by hooks of the server, which a hijacked reply would lose.
      ...(reply.getHeaders() as Record<string, string>),
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    });
    // A client is to know at once that it is heard, and not with the first event.
    out.flushHeaders();
    open += 1;
    const followed = Effect.scoped(follow(out, recorder, progress, lastSeen, application)).pipe(
      Effect.onExit((exit) =>
        // A stream that only beats its heart looks alive and tells nothing: an end lets the client come back.
        Effect.andThen(
          Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)
            ? Effect.logWarning("an event stream failed; its client is to come back", exit.cause)
            : Effect.void,
          Effect.sync(() => out.destroy()),
        ),
      ),
    );
    const fiber = Effect.runForkWith(context)(followed);
    const beat = async () => {
      if (await stillPermitted()) out.write(": alive\n\n");
      else out.destroy();
    };
    const heartbeat = setInterval(() => void beat(), settings.streamHeartbeatMs);
    out.on("close", () => {
      open -= 1;
      clearInterval(heartbeat);
      fiber.interruptUnsafe();
    });
  };
};

const follow = Effect.fnUntraced(function* (
  out: ServerResponse,
  recorder: Recorder,
  progress: KnownProgress,
  lastSeen: number | undefined,
  application: string | undefined,
) {
  const store = yield* EventStore;
  const log = yield* ReleaseLog;
  // Subscribed first: what is appended from here on wakes the loop, so nothing falls between the read and the wait.
  const wakeUp = yield* PubSub.subscribe(recorder.appended);
  const steps = yield* PubSub.subscribe(progress.told);
  let position = lastSeen ?? (yield* store.end);
  const isWanted = (name: string) => (application === undefined ? name !== EVERY_APPLICATION : name === application);
  for (const state of log.applications().values()) {
    if (!isWanted(state.application)) continue;
    yield* write(out, `event: state\ndata: ${JSON.stringify(releaseStateOf(state))}\n\n`);
    const step = progress.of(state);
    if (step) yield* write(out, progressFrame(step));
  }
  const tellSteps = Effect.flatMap(PubSub.take(steps), (step) =>
    isWanted(step.application) ? write(out, progressFrame(step)) : Effect.void,
  );
  yield* Effect.forkScoped(Effect.forever(tellSteps));
  while (true) {
    const rows = yield* store.read({ ...(application && { application }), after: position, limit: STREAM_PAGE });
    for (const row of rows) if (releaseEventOf(row)) yield* write(out, frame(row));
    position = rows.at(-1)?.position ?? position;
    if (rows.length === 0) yield* PubSub.take(wakeUp);
  }
});

const progressFrame = (step: CanaryProgress): string => `event: progress\ndata: ${JSON.stringify(step)}\n\n`;

const frame = (row: StoredEvent): string =>
  `id: ${row.position}\nevent: release-event\ndata: ${JSON.stringify(recordedEventBody(row))}\n\n`;

/** Waits while the client does not read: a slow one costs its own buffer and nothing more. */
const write = (out: ServerResponse, chunk: string) =>
  Effect.callback<void>((resume) => {
    if (out.destroyed || out.write(chunk)) return resume(Effect.void);
    const drained = () => resume(Effect.void);
    out.once("drain", drained);
    return Effect.sync(() => out.off("drain", drained));
  });

const lastEventId = (request: FastifyRequest): number | undefined => {
  const header = request.headers["last-event-id"];
  if (header === undefined || header === "") return undefined;
  const position = Number(header);
  if (Number.isInteger(position) && position >= 0) return position;
  throw new HttpFailure(
    400,
    "bad-request",
    `header last-event-id is ${String(header)}; send back an id of this stream`,
  );
};

const applicationOf = (request: FastifyRequest): string | undefined => {
  const { application } = request.query as Record<string, unknown>;
  return typeof application === "string" ? application : undefined;
};
