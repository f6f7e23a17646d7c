import { createHash } from "node:crypto";
import { ArtifactStore, type ArtifactStoreError } from "@sluice/artifact-store";
import {
  type ApplicationName,
  type Author,
  type BundleReference,
  bundleDigest,
  type CanaryForecast,
  type Digest,
  type OverrideBody,
  type Policy,
  policyDigest,
  type ReasonBody,
  type RegisterApplicationBody,
  type ReleaseEvent,
  type ReleaseEventOf,
  type ReleaseId,
  type RequestReleaseBody,
  type RollbackBody,
  timestampOf,
} from "@sluice/contracts";
import { EventStore } from "@sluice/event-store";
import { looserSentence, looserSettings } from "@sluice/policy";
import { type Applications, endOf, findRelease, openProposal, personOf, type ReleaseCommand } from "@sluice/release";
import { ReleaseLog } from "@sluice/release-log";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { erasureOf } from "../domain/erasure-of.ts";
import { locateReleases } from "../domain/release-index.ts";
import { forecastOf } from "./canary-forecast.ts";
import { Conflict } from "./conflict.ts";

/** The request names something that is not there. */
export class NotFound extends Schema.TaggedError<NotFound>()("NotFound", { message: Schema.String }) {}
/** The request's parts contradict each other or the stored artifacts. */
export class BadRequest extends Schema.TaggedError<BadRequest>()("BadRequest", { message: Schema.String }) {}
/** The author's role would do, and the author may not all the same. */
export class Forbidden extends Schema.TaggedError<Forbidden>()("Forbidden", {
  code: Schema.String,
  message: Schema.String,
}) {}

export interface Intention {
  readonly author: Author;
  /** Whose releases the author sees in the analysts' tables; null: everybody's. */
  readonly team: string | null;
  /** The caller's Idempotency-Key, or one made up for this call. */
  readonly key: string;
}

const decided = (application: ApplicationName, releaseId: ReleaseId | null, events: ReadonlyArray<ReleaseEvent>) => ({
  application,
  releaseId,
  events: events.map((event) => ({ type: event._tag, eventId: event.eventId })),
});

const now = Effect.map(Clock.currentTimeMillis, timestampOf);

/** Ids that follow from the application and the caller's key, so that a repeated request is the same request. */
const releaseIdOf = (application: ApplicationName, key: string): ReleaseId =>
  `rel-${createHash("sha256").update(`${application}\n${key}`).digest("hex").slice(0, 16)}`;

export const registerApplication = Effect.fn("registerApplication")(function* (
  body: typeof RegisterApplicationBody.Type,
  { author }: Intention,
) {
  yield* checkBundle("baseline", body.baseline);
  const log = yield* ReleaseLog;
  const { application, baseline } = body;
  const events = yield* log.submit({ _tag: "RegisterApplication", application, baseline, author, at: yield* now });
  return decided(application, null, events);
});

/** Whoever may request a release may send any policy with it: how loose one may be is not theirs to say. */
export const checkFloor = (policy: Policy, floor: Policy | null): Effect.Effect<void, BadRequest> => {
  const [looser] = floor === null ? [] : looserSettings(policy, floor);
  return looser
    ? Effect.fail(new BadRequest({ message: `policy.${looserSentence(looser, "the organisation's policy here")}` }))
    : Effect.void;
};

export const requestRelease = Effect.fn("requestRelease")(function* (
  body: typeof RequestReleaseBody.Type,
  { author, key }: Intention,
) {
  yield* checkBundle("candidate", body.candidate);
  if (body.evidence) {
    yield* checkStored("evidence.baseline.results", body.evidence.baseline.results);
    yield* checkStored("evidence.candidate.results", body.evidence.candidate.results);
  }
  const log = yield* ReleaseLog;
  const { application } = body;
  const releaseId = releaseIdOf(application, key);
  // The id follows from the caller's key: a release that exists, ended or not, is what this key led to before.
  const repeated = Effect.map(checkSameWish(body, releaseId, key), ({ forecast }) =>
    requested(application, releaseId, [], forecast),
  );
  const state = log.applications().get(application);
  if (state && (findRelease(state, releaseId) || endOf(state, releaseId))) return yield* repeated;
  // Without a baseline the request is refused: there is nothing to forecast.
  const told = state?.baseline ? yield* forecastOf(application, body.policy) : null;
  const wish = { ...body, ...told, releaseId, author, at: yield* now };
  return yield* log.submit({ _tag: "RequestRelease", ...wish }).pipe(
    Effect.map((events) => requested(application, releaseId, events, told?.forecast)),
    Effect.catchIf(
      (error) => error._tag === "Refusal" && error.code === "release-exists",
      () => repeated,
    ),
  );
});

const requested = (
  application: ApplicationName,
  releaseId: ReleaseId,
  events: ReadonlyArray<ReleaseEvent>,
  forecast: CanaryForecast | undefined,
) => ({ ...decided(application, releaseId, events), ...(forecast && { forecast }) });

/** A key stands for one candidate under one policy: an answer about another one would be believed. */
const checkSameWish = Effect.fnUntraced(function* (
  body: typeof RequestReleaseBody.Type,
  releaseId: ReleaseId,
  key: string,
) {
  const first = yield* firstRequest(body.application, releaseId);
  // A hold that was made longer is no other wish.
  const policy = first && (first.forecast?.extended?.requestedPolicy ?? policyDigest(first.policy));
  if (first?.candidate.digest === body.candidate.digest && policy === policyDigest(body.policy)) return first;
  const led = first ? ` for candidate ${first.candidate.digest} under policy ${policy}` : "";
  return yield* new Conflict({
    code: "release-exists",
    message: `header idempotency-key ${key} led to release ${releaseId}${led}; send another key for another request`,
  });
});

/** The request that the log accepted: the state has it while the release is open, afterwards the record. */
const firstRequest = Effect.fnUntraced(function* (application: ApplicationName, releaseId: ReleaseId) {
  const state = (yield* ReleaseLog).applications().get(application);
  const open = state && findRelease(state, releaseId);
  if (open) return open.request;
  const store = yield* EventStore;
  for (let after = 0; ; ) {
    const rows = yield* store.read({ application, releaseId, after, limit: 100 });
    const accepted = rows.find((row) => row.type === "ReleaseRequested" && row.refusal === null);
    if (accepted) return JSON.parse(accepted.payload) as ReleaseEventOf<"ReleaseRequested">;
    const last = rows.at(-1);
    if (!last) return undefined;
    after = last.position;
  }
});

/** A release as a request names it. */
export interface Named {
  readonly releaseId: ReleaseId;
  /** Needed only where two applications have a release of this id. */
  readonly application: ApplicationName | undefined;
}

/** The one release that is named. To act on the first of several would be to act on somebody else's. */
export const locate = Effect.fnUntraced(function* ({ releaseId, application }: Named) {
  const log = yield* ReleaseLog;
  const found = locateReleases(log.applications(), releaseId, application);
  const [release] = found;
  if (!release) {
    const where = application === undefined ? "" : ` in application ${application}`;
    return yield* new NotFound({ message: `release ${releaseId} is not known${where}` });
  }
  if (found.length === 1) return release;
  const owners = found.map((one) => one.application).join(" and ");
  return yield* new Conflict({
    code: "ambiguous-release",
    message: `release ${releaseId} is in ${owners}; say which with ?application=`,
  });
});

export const overrideGate = (named: Named, body: typeof OverrideBody.Type, intention: Intention) =>
  Effect.andThen(
    checkSeparation(named, intention.author),
    onRelease(named, (target) => ({
      _tag: "OverrideGate",
      ...target,
      ...personal(body.reason, intention),
      incident: body.incident,
      expiresAt: body.expiresAt,
    })),
  );

/**
 * Separation of duty: who asked for a release does not let it past the gate, whatever their role, and who proposed an
 * override does not confirm it under another name.
 */
const checkSeparation = Effect.fnUntraced(function* (named: Named, author: Author) {
  const { application, releaseId } = yield* locate(named);
  const refused = (message: string) => new Forbidden({ code: "separation-of-duty", message });
  const isSamePerson = (other: Author) => personOf(other.id) === personOf(author.id);
  const request = yield* firstRequest(application, releaseId);
  if (request && isSamePerson(request.author))
    return yield* refused(
      `${author.id} asked for release ${releaseId} (as ${request.author.id}); somebody else has to override the gate`,
    );
  const state = (yield* ReleaseLog).applications().get(application);
  const proposal = openProposal(state && findRelease(state, releaseId), yield* now);
  // The very same name is the fold's to refuse, which knows nothing of the names that one person may have.
  if (proposal && proposal.author.id !== author.id && isSamePerson(proposal.author))
    return yield* refused(
      `${author.id} proposed the override of release ${releaseId} (as ${proposal.author.id}); somebody else has to confirm it`,
    );
});

const operations = {
  pause: "PauseRelease",
  resume: "ResumeRelease",
  advance: "SkipHold",
  abort: "AbortRelease",
} as const;
export type Operation = keyof typeof operations;

export const operate = (operation: Operation, named: Named, body: typeof ReasonBody.Type, intention: Intention) =>
  onRelease(named, (target) => ({
    _tag: operations[operation],
    ...target,
    ...personal(body.reason, intention),
  }));

export const rollBackApplication = Effect.fn("rollBackApplication")(function* (
  application: ApplicationName,
  body: typeof RollbackBody.Type,
  intention: Intention,
) {
  const log = yield* ReleaseLog;
  if (!log.applications().has(application))
    return yield* new NotFound({ message: `application ${application} is not known; register it first` });
  const erased = erasedPartOf(log.applications(), application, body.to);
  if (erased)
    return yield* new Conflict({
      code: "bundle-erased",
      message: `to is ${body.to}, whose artifact ${erased} was erased: it can be served to nobody; choose another bundle`,
    });
  const events = yield* log.submit({
    _tag: "RollBackBaseline",
    application,
    to: body.to,
    at: yield* now,
    ...personal(body.reason, intention),
  });
  return decided(application, null, events);
});

/** By the log and not by the store, which may be away when somebody has to roll back. */
const erasedPartOf = (applications: Applications, application: ApplicationName, to: Digest): Digest | undefined => {
  const target = applications.get(application)?.fullyReleased.find(({ digest }) => digest === to);
  return Object.values(target?.artifacts ?? {}).find((part) => erasureOf(applications, part));
};

const personal = (reason: string, { author, key }: Intention) => ({ author, reason, commandId: key });

type Target = { readonly application: ApplicationName; readonly releaseId: ReleaseId; readonly at: string };

const onRelease = Effect.fnUntraced(function* (named: Named, command: (target: Target) => ReleaseCommand) {
  const log = yield* ReleaseLog;
  const { application, releaseId } = yield* locate(named);
  const events = yield* log.submit(command({ application, releaseId, at: yield* now }));
  return decided(application, releaseId, events);
});

/** A bundle whose contents are missing could be routed to nobody: better to hear it now than at the canary. */
const checkBundle = Effect.fnUntraced(function* (field: string, bundle: BundleReference) {
  const expected = bundleDigest(bundle.artifacts);
  if (bundle.digest !== expected)
    return yield* new BadRequest({
      message: `${field}.digest is ${bundle.digest}, but its artifacts hash to ${expected}; send that one`,
    });
  for (const [kind, digest] of Object.entries(bundle.artifacts))
    yield* checkStored(`${field}.artifacts.${kind}`, digest);
});

const checkStored = (
  field: string,
  digest: Digest,
): Effect.Effect<void, BadRequest | ArtifactStoreError, ArtifactStore> =>
  Effect.gen(function* () {
    const artifacts = yield* ArtifactStore;
    if (yield* artifacts.has(digest)) return;
    return yield* new BadRequest({
      message: `${field} names ${digest}, which is not stored here; put it with PUT /v1/artifacts first`,
    });
  });
