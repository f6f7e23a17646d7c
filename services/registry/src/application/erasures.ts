import { ArtifactStore } from "@sluice/artifact-store";
import {
  type ApplicationName,
  type Digest,
  deadLettersTopic,
  digestOf,
  type Erasure,
  type ErasureBody,
  type ErasuresBody,
  epochMsOf,
  judgementsTopic,
  observationsTopic,
  type Timestamp,
  timestampOf,
} from "@sluice/contracts";
import type { Applications, Erasure as RequestedErasure } from "@sluice/release";
import { ReleaseLog } from "@sluice/release-log";
import { TelemetryStore } from "@sluice/telemetry";
import * as Cause from "effect/Cause";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as PubSub from "effect/PubSub";
import * as Stream from "effect/Stream";
import { erasureOf } from "../domain/erasure-of.ts";
import { Conflict } from "./conflict.ts";
import { knownApplication } from "./known-application.ts";
import { type Intention, NotFound } from "./requests.ts";

const DAY_MS = 86_400_000;
const daysOf = ({ retention }: { readonly retention: unknown }): number =>
  typeof retention === "object" && retention !== null && "days" in retention ? Number(retention.days) : 0;

/**
 * So long the log may still bring a text: what it holds itself, and what came out of the dead letters on its last day. Kafka
 * gives up whole segments, each of a day, and so keeps a record for up to a day more.
 */
const LOG_DAYS = Math.max(daysOf(observationsTopic), daysOf(judgementsTopic)) + daysOf(deadLettersTopic) + 2;
const logExpiresAt = (requestedAt: Timestamp): Timestamp => timestampOf(epochMsOf(requestedAt) + LOG_DAYS * DAY_MS);

/** How often late copies are looked for. */
const SWEEP = "1 hour";

const now = Effect.map(Clock.currentTimeMillis, timestampOf);

/** Asks for an erasure; it is carried out behind the answer, and goes on after a stop. The same key is the same erasure. */
export const requestErasure = Effect.fn("requestErasure")(function* (
  application: ApplicationName,
  { clusterKeys, artifacts, reason }: typeof ErasureBody.Type,
  { author, key }: Intention,
) {
  const { erasures } = yield* knownApplication(application);
  const log = yield* ReleaseLog;
  const needed = artifacts.find((digest) => isServed(log.applications(), digest));
  if (needed !== undefined)
    return yield* new Conflict({
      code: "artifact-in-use",
      message: `artifact ${needed} is part of a bundle that is served or asked for; release another one first`,
    });
  const erasureId = `era-${digestOf([application, key]).slice("sha256:".length, "sha256:".length + 16)}`;
  const isNew = !erasures.some((one) => one.erasureId === erasureId);
  if (isNew) yield* checkStored(artifacts);
  const at = yield* now;
  yield* log.submit({
    _tag: "RequestErasure",
    application,
    at,
    erasureId,
    clusterKeys,
    artifacts,
    author,
    reason,
  });
  const asked = log
    .applications()
    .get(application)
    ?.erasures.find((one) => one.erasureId === erasureId);
  // The log has taken it, or `submit` would have failed.
  if (!asked) return yield* Effect.die(`erasure ${erasureId} was accepted and is not there`);
  const namesTheSame = digestOf([asked.clusterKeys, asked.artifacts]) === digestOf([clusterKeys, artifacts]);
  if (!namesTheSame)
    return yield* new Conflict({
      code: "erasure-exists",
      message: `header idempotency-key ${key} led to erasure ${erasureId} of other texts; send another key for another erasure`,
    });
  return shown(asked);
});

/** A mistyped digest would else be on record as erased, while the texts that were meant stay. */
const checkStored = Effect.fnUntraced(function* (artifacts: ReadonlyArray<Digest>) {
  const store = yield* ArtifactStore;
  const { applications } = yield* ReleaseLog;
  for (const digest of artifacts)
    if (!(yield* store.has(digest))) {
      const earlier = erasureOf(applications(), digest);
      return yield* new NotFound({
        message: earlier
          ? `artifact ${digest} is erased already, by erasure ${earlier.erasureId}; leave it out`
          : `artifact ${digest} is not stored, so that nothing of it could be erased; copy its digest again`,
      });
    }
});

/** Without its parts a bundle can be routed to nobody. */
const isServed = (applications: Applications, digest: Digest): boolean =>
  [...applications.values()].some(({ baseline, active, queue, blocked }) =>
    [baseline, ...[...(active ? [active] : []), ...queue, ...blocked].map(({ request }) => request.candidate)].some(
      (bundle) => bundle && Object.values(bundle.artifacts).includes(digest),
    ),
  );

const shown = ({ done, ...erasure }: RequestedErasure): Erasure => ({
  ...erasure,
  erasedAt: done?.at ?? null,
  observations: done?.observations ?? 0,
  judgements: done?.judgements ?? 0,
  logExpiresAt: logExpiresAt(erasure.requestedAt),
});

export const listErasures = Effect.fnUntraced(function* (application: ApplicationName) {
  const { erasures } = yield* knownApplication(application);
  return { erasures: erasures.map(shown) } satisfies typeof ErasuresBody.Type;
});

/** One erasure, in telemetry and among the artifacts; on record once all of it is done. Doing it again changes nothing. */
const carryOut = Effect.fnUntraced(function* (application: ApplicationName, erasure: RequestedErasure) {
  const { erasureId, clusterKeys, artifacts, requestedAt, done } = erasure;
  const telemetry = yield* TelemetryStore;
  const rows = yield* telemetry.eraseTexts({ application, clusterKeys, until: requestedAt });
  const store = yield* ArtifactStore;
  yield* Effect.forEach(artifacts, (digest) => store.remove(digest), { discard: true });
  if (done !== null) return;
  const log = yield* ReleaseLog;
  const at = yield* now;
  yield* log.submit({ _tag: "ConcludeErasure", application, at, erasureId, ...rows, artifacts: artifacts.length });
});

/** A stop is none. A defect is, as a failure: what is due would else be looked at by nobody until the next start. */
const isFault = (cause: Cause.Cause<unknown>): boolean => !Cause.hasInterrupts(cause);

const whyIn = (cause: Cause.Cause<unknown>): string => {
  const fault = Cause.squash(cause);
  if (typeof fault !== "object" || fault === null) return String(fault);
  return String("sentence" in fault ? fault.sentence : "message" in fault ? fault.message : "an unknown reason");
};

/**
 * Carries out what is asked for, and once more every hour until the log cannot bring a late copy any more. What fails is told
 * and tried with the next turn; it is due until the log says that it is done.
 */
export const startErasures = Effect.fn("startErasures")(function* (retryMs: number) {
  const log = yield* ReleaseLog;
  const asked = yield* PubSub.sliding<void>(1);
  yield* Effect.forkScoped(
    Stream.runForEach(log.changes, ({ event }) =>
      event._tag === "ErasureRequested" ? PubSub.publish(asked, undefined) : Effect.void,
    ),
    { startImmediately: true },
  );
  const hints = yield* PubSub.subscribe(asked);

  const sweep = Effect.gen(function* () {
    const at = yield* now;
    let left = 0;
    for (const { application, erasures } of [...log.applications().values()])
      for (const erasure of erasures.filter(({ done, requestedAt }) => !done || logExpiresAt(requestedAt) > at))
        yield* Effect.catchCauseIf(carryOut(application, erasure), isFault, (cause) => {
          left += 1;
          return Effect.logWarning(`erasure ${erasure.erasureId} of ${application} waits: ${whyIn(cause)}`);
        });
    return left;
  });
  yield* Effect.forkScoped(
    Effect.forever(
      Effect.flatMap(sweep, (left) =>
        Effect.raceFirst(PubSub.take(hints), Effect.sleep(left > 0 ? `${retryMs} millis` : SWEEP)),
      ),
    ),
  );
});
