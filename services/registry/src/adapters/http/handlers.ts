import { readFileSync } from "node:fs";
import { ArtifactStore } from "@sluice/artifact-store";
import {
  AlertmanagerBody,
  ApplicationName,
  Artifact,
  canonicalJson,
  Digest,
  digestOfBytes,
  FreezeBody,
  KpiBody,
  OverrideBody,
  ReasonBody,
  RegisterApplicationBody,
  type RegistryRoute,
  RequestReleaseBody,
  RollbackBody,
} from "@sluice/contracts";
import { EventStore, releaseEventOf } from "@sluice/event-store";
import { releaseStateOf } from "@sluice/release";
import { ReleaseLog } from "@sluice/release-log";
import { TelemetryStore } from "@sluice/telemetry";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import { PrometheusMetrics } from "effect/observability";
import type { FastifyReply, FastifyRequest } from "fastify";
import { receiveAlerts } from "../../application/alerts.ts";
import { artifactUses } from "../../application/artifact-uses.ts";
import type { Authenticator } from "../../application/authenticator.ts";
import type { KnownProgress } from "../../application/canary-progress.ts";
import { actOnAll, actOnApplication, type FreezeVerb } from "../../application/freezes.ts";
import { knownApplication } from "../../application/known-application.ts";
import type { ReleaseStates } from "../../application/release-states.ts";
import {
  checkFloor,
  locate,
  type Named,
  NotFound,
  type Operation,
  operate,
  overrideGate,
  registerApplication,
  requestRelease,
  rollBackApplication,
} from "../../application/requests.ts";
import { shadowPairsOf } from "../../application/shadow-pairs.ts";
import { erasureOf } from "../../domain/erasure-of.ts";
import { listReleases, locateReleases } from "../../domain/release-index.ts";
import type { RegistrySettings } from "../../settings.ts";
import { permissionsOf } from "./access.ts";
import { type Handler, json, limitOf, namedBy, parameter, positionOf, query, text } from "./answer.ts";
import { auditHandlers } from "./audit-handlers.ts";
import { cdEventHandlers } from "./cd-event-handlers.ts";
import { clickhouseHandlers } from "./clickhouse-handlers.ts";
import { deadLetterHandlers } from "./dead-letter-handlers.ts";
import { decodeBody } from "./decode-body.ts";
import { erasureHandlers } from "./erasure-handlers.ts";
import { HttpFailure } from "./http-failure.ts";
import { ofrepHandlers } from "./ofrep-handlers.ts";
import { recordedEventBody } from "./recorded-event-body.ts";
import { stateHandlers } from "./state-handlers.ts";
import { tokenHandlers } from "./token-handlers.ts";

export type Handlers = { readonly [Route in Exclude<RegistryRoute, "streamEvents">]: Handler };

const acts =
  (operation: Operation): Handler =>
  (request, intention) =>
    Effect.map(operate(operation, namedBy(request), decodeBody(ReasonBody, request.body), intention), json);

const freezeOf = (verb: FreezeVerb["verb"], request: FastifyRequest): FreezeVerb =>
  verb === "freeze"
    ? { verb, body: decodeBody(FreezeBody, request.body) }
    : { verb, body: decodeBody(ReasonBody, request.body) };
const freezesOne =
  (verb: FreezeVerb["verb"]): Handler =>
  (request, intention) =>
    Effect.map(
      actOnApplication(parameter(request, "application", ApplicationName), freezeOf(verb, request), intention),
      json,
    );
const freezesAll =
  (verb: FreezeVerb["verb"]): Handler =>
  (request, intention) =>
    Effect.map(actOnAll(freezeOf(verb, request), intention), json);

interface HandlerParts {
  /** How long the record has been behind the log. */
  readonly behindMs: Effect.Effect<number>;
  readonly settings: RegistrySettings;
  readonly progress: KnownProgress;
  readonly authenticator: Authenticator;
  readonly states: ReleaseStates;
}

export const handlers = ({ behindMs, settings, progress, authenticator, states }: HandlerParts): Handlers => ({
  ...tokenHandlers(authenticator),
  ...stateHandlers(states, settings.maxStreams),
  ...ofrepHandlers(states),
  ...clickhouseHandlers,
  ...cdEventHandlers,
  registerApplication: (request, intention) =>
    Effect.map(registerApplication(decodeBody(RegisterApplicationBody, request.body), intention), json),
  rollBackApplication: (request, intention) =>
    Effect.map(
      rollBackApplication(
        parameter(request, "application", ApplicationName),
        decodeBody(RollbackBody, request.body),
        intention,
      ),
      json,
    ),
  freezeApplication: freezesOne("freeze"),
  unfreezeApplication: freezesOne("unfreeze"),
  stopApplication: freezesOne("stop"),
  freezeAll: freezesAll("freeze"),
  unfreezeAll: freezesAll("unfreeze"),
  stopAll: freezesAll("stop"),
  // Other fields of Alertmanager are let pass: its next version may add some.
  receiveAlerts: (request, intention) =>
    Effect.map(receiveAlerts(decodeBody(AlertmanagerBody, request.body, "body", "ignore"), intention), json),
  requestRelease: (request, intention) =>
    Effect.gen(function* () {
      const body = decodeBody(RequestReleaseBody, request.body);
      yield* checkFloor(body.policy, settings.organisationPolicy);
      return json(yield* requestRelease(body, intention));
    }),
  listReleases: (request) =>
    Effect.gen(function* () {
      const given = query(request, "application");
      const application = given === undefined ? given : decodeBody(ApplicationName, given, "query application");
      if (application !== undefined) yield* knownApplication(application);
      const limit = limitOf(request, { unsaid: 100, most: 1_000 });
      return json({ releases: listReleases((yield* ReleaseLog).applications(), application, limit) });
    }),
  getRelease: (request) => releaseDetail(namedBy(request), positionOf(request)),
  getShadowPairs: (request, intention) =>
    Effect.map(shadowPairsOf(namedBy(request), limitOf(request, { unsaid: 12, most: 100 }), intention), json),
  getProgress: (request) =>
    Effect.gen(function* () {
      const { application, releaseId } = yield* locate(namedBy(request));
      const state = (yield* ReleaseLog).applications().get(application);
      return json({ progress: state?.active?.releaseId === releaseId ? progress.of(state) : null });
    }),
  overrideGate: (request, intention) =>
    Effect.map(overrideGate(namedBy(request), decodeBody(OverrideBody, request.body), intention), json),
  pauseRelease: acts("pause"),
  resumeRelease: acts("resume"),
  advanceRelease: acts("advance"),
  abortRelease: acts("abort"),
  putArtifact: (request) => putArtifact(request.body),
  getArtifact: (request) =>
    Effect.gen(function* () {
      const digest = parameter(request, "digest", Digest);
      yield* refuseErased(digest);
      const content = yield* (yield* ArtifactStore).get(digest);
      if (Option.isNone(content)) return yield* new NotFound({ message: `artifact ${digest} is not stored here` });
      const bytes = Buffer.from(content.value);
      return { send: (reply: FastifyReply) => reply.type("application/octet-stream").send(bytes) };
    }),
  getArtifactUses: (request) =>
    Effect.gen(function* () {
      const digest = parameter(request, "digest", Digest);
      const changes = yield* (yield* TelemetryStore).bundleChanges(digest);
      const applications = (yield* ReleaseLog).applications();
      return json(
        artifactUses(digest, changes, (application, releaseId) => {
          const [found] = locateReleases(applications, releaseId, application);
          return found?.phase ?? null;
        }),
      );
    }),
  getKpis: () =>
    Effect.gen(function* () {
      const telemetry = yield* TelemetryStore;
      const views = Object.keys(KpiBody.fields);
      const rows = yield* Effect.forEach(views, (view) => telemetry.query(`SELECT * FROM ${view}`));
      return json(Object.fromEntries(views.map((view, i) => [view, rows[i]])));
    }),
  ...auditHandlers,
  ...deadLetterHandlers,
  ...erasureHandlers,
  getMe: (_request, { author }) => Effect.succeed(json({ ...author, permissions: permissionsOf(author.role) })),
  getOpenApi: () =>
    Effect.sync(() =>
      json(JSON.parse(readFileSync(new URL(import.meta.resolve("@sluice/contracts/openapi")), "utf8"))),
    ),
  getMetrics: () => Effect.map(PrometheusMetrics.format(), text),
  getHealth: () => Effect.succeed(text("ok\n")),
  // The server listens only once the log is folded, so only the record can be behind.
  getReadiness: () =>
    Effect.map(behindMs, (ms) => {
      if (ms <= settings.maxRecordLagMs) return text("ready\n");
      const seconds = Math.floor(ms / 1_000);
      throw new HttpFailure(
        503,
        "record-behind",
        `the record has been behind the log for ${seconds} s; look for the warnings of its store`,
      );
    }),
});

/** Events of one answer; what is left is asked for with `?after=`. */
const DETAIL_PAGE = 1_000;

const releaseDetail = Effect.fnUntraced(function* (named: Named, after: number) {
  const release = yield* locate(named);
  const { application, releaseId } = release;
  const state = (yield* ReleaseLog).applications().get(application);
  const active = state?.active?.releaseId === releaseId ? releaseStateOf(state).active : null;
  const store = yield* EventStore;
  const rows = yield* store.read({ application, releaseId, after, limit: DETAIL_PAGE });
  const last = rows.at(-1)?.position;
  const more = last === undefined ? [] : yield* store.read({ application, releaseId, after: last, limit: 1 });
  return json({
    release,
    active,
    events: rows.filter(releaseEventOf).map(recordedEventBody),
    next: more.length > 0 ? last : null,
  });
});

/** What had to be forgotten is not given back, nor taken again. */
const refuseErased = Effect.fnUntraced(function* (digest: Digest) {
  const erasure = erasureOf((yield* ReleaseLog).applications(), digest);
  if (!erasure) return;
  const { erasureId, requestedAt, author } = erasure;
  throw new HttpFailure(
    410,
    "erased",
    `artifact ${digest} was erased at ${requestedAt} by ${author.id} (erasure ${erasureId}); its digest stays on record`,
  );
});

/** JSON is stored in its canonical form, so that one artifact has one address; other bytes are stored as they are. */
const putArtifact = Effect.fnUntraced(function* (body: unknown) {
  if (body === undefined || body === null) throw new HttpFailure(400, "bad-request", "body: send the artifact");
  const isArtifact = typeof body === "object" && !Buffer.isBuffer(body) && "kind" in body;
  const content = Buffer.isBuffer(body) ? body : canonicalJson(isArtifact ? decodeBody(Artifact, body) : body);
  yield* refuseErased(digestOfBytes(content));
  const digest = yield* (yield* ArtifactStore).put(content);
  return json({ digest, bytes: Buffer.byteLength(content) });
});
