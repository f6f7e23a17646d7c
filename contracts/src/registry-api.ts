import type * as Schema from "effect/Schema";
import { AccessToken, CreateTokenBody, TokenCreatedBody, TokensBody } from "./access-token.ts";
import { analyticsRoutes } from "./analytics-api.ts";
import { artifactUseRoutes } from "./artifact-uses-api.ts";
import { auditRoutes } from "./audit-api.ts";
import { cdEventRoutes } from "./cd-event.ts";
import { deadLetterRoutes } from "./dead-letter-api.ts";
import { erasureRoutes } from "./erasure-api.ts";
import {
  AlertmanagerBody,
  AlertsBody,
  ApplicationsBody,
  ArtifactStoredBody,
  DecidedBody,
  DecidedForAllBody,
  FreezeBody,
  KpiBody,
  MeBody,
  OverrideBody,
  type Permission,
  ProgressBody,
  ReasonBody,
  RegisterApplicationBody,
  ReleaseBody,
  ReleasesBody,
  RequestReleaseBody,
  RollbackBody,
} from "./http.ts";
import { ofrepRoutes } from "./ofrep-api.ts";
import { ReleaseState } from "./release-state.ts";
import { shadowPairRoutes } from "./shadow-pairs-api.ts";

export interface Route {
  readonly method: "GET" | "POST" | "PUT";
  /** Parameters as `:name`. */
  readonly path: string;
  readonly summary: string;
  /** Null: open to everybody. */
  readonly permission: Permission | null;
  /** JSON body, `bytes` for an artifact as it is, or a text of whatever media type. */
  readonly request?: Schema.Top | "bytes" | "text/plain";
  readonly query?: ReadonlyArray<string>;
  readonly status: 200 | 201;
  /** JSON answer, or the media type of another one. */
  readonly response: Schema.Top | "application/octet-stream" | "text/event-stream" | "text/plain" | "application/json";
}

const acts = <const Verb extends string>(verb: Verb, summary: string) =>
  ({
    method: "POST",
    path: `/v1/releases/:releaseId/${verb}`,
    summary,
    permission: "operate",
    request: ReasonBody,
    // Two applications may have a release of one id: then it says whose.
    query: ["application"],
    status: 200,
    response: DecidedBody,
  }) as const;

const ofApplication = <const Verb extends string, Body extends Schema.Top>(
  verb: Verb,
  summary: string,
  request: Body,
) =>
  ({
    method: "POST",
    path: `/v1/applications/:application/${verb}`,
    summary,
    permission: "operate",
    request,
    status: 200,
    response: DecidedBody,
  }) as const;

const ofEveryApplication = <const Verb extends string, Body extends Schema.Top>(
  verb: Verb,
  summary: string,
  request: Body,
) =>
  ({
    method: "POST",
    path: `/v1/${verb}`,
    summary,
    permission: "operate",
    request,
    status: 200,
    response: DecidedForAllBody,
  }) as const;

/** The registry's HTTP surface: the server, its role checks and the OpenAPI document all follow this table. */
export const registryRoutes = {
  registerApplication: {
    method: "POST",
    path: "/v1/applications",
    summary: "Say which bundle an application serves before Sluice releases anything",
    permission: "register",
    request: RegisterApplicationBody,
    status: 201,
    response: DecidedBody,
  },
  listApplications: {
    method: "GET",
    path: "/v1/applications",
    summary: "Every application's release state",
    permission: "read",
    status: 200,
    response: ApplicationsBody,
  },
  getApplication: {
    method: "GET",
    path: "/v1/applications/:application",
    summary: "One application's release state; with If-None-Match and ?wait=SECONDS it waits for another one, else 304",
    permission: "read",
    query: ["wait"],
    status: 200,
    response: ReleaseState,
  },
  rollBackApplication: {
    method: "POST",
    path: "/v1/applications/:application/rollback",
    summary: "Go back to a bundle that was fully released before, without gates",
    permission: "operate",
    request: RollbackBody,
    status: 200,
    response: DecidedBody,
  },
  freezeApplication: ofApplication(
    "freeze",
    "Nothing goes forward in this application until it is lifted; rollbacks and aborts are exempt",
    FreezeBody,
  ),
  unfreezeApplication: ofApplication(
    "unfreeze",
    "Lift every freeze and emergency stop of this application, also its copy of one of all applications",
    ReasonBody,
  ),
  stopApplication: ofApplication(
    "stop",
    "Emergency stop: a canary is pinned to the baseline and rolled back, and nothing goes forward until it is lifted",
    ReasonBody,
  ),
  freezeAll: ofEveryApplication("freeze", "Freeze every application, also those registered later", FreezeBody),
  unfreezeAll: ofEveryApplication(
    "unfreeze",
    "Lift the freezes and emergency stops of all applications; those of single ones stay",
    ReasonBody,
  ),
  stopAll: ofEveryApplication("stop", "Emergency stop of every application", ReasonBody),
  receiveAlerts: {
    method: "POST",
    path: "/v1/alerts",
    summary: "Alertmanager's webhook (version 4): a firing alert that names an application breaches its canary",
    permission: "report",
    request: AlertmanagerBody,
    status: 200,
    response: AlertsBody,
  },
  requestRelease: {
    method: "POST",
    path: "/v1/releases",
    summary: "Request a release",
    permission: "request",
    request: RequestReleaseBody,
    status: 201,
    response: DecidedBody,
  },
  listReleases: {
    method: "GET",
    path: "/v1/releases",
    summary: "Releases, newest first",
    permission: "read",
    query: ["application", "limit"],
    status: 200,
    response: ReleasesBody,
  },
  getRelease: {
    method: "GET",
    path: "/v1/releases/:releaseId",
    summary: "One release with every event and its evidence",
    permission: "read",
    query: ["application", "after"],
    status: 200,
    response: ReleaseBody,
  },
  getProgress: {
    method: "GET",
    path: "/v1/releases/:releaseId/progress",
    summary:
      "How the release's present canary step stands: time, requests, each check with its limit, what it waits for",
    permission: "read",
    query: ["application"],
    status: 200,
    response: ProgressBody,
  },
  overrideGate: {
    method: "POST",
    path: "/v1/releases/:releaseId/override",
    summary: "Force a blocked release past the offline gate",
    permission: "override",
    request: OverrideBody,
    query: ["application"],
    status: 200,
    response: DecidedBody,
  },
  pauseRelease: acts("pause", "Stop a release from going forward; its checks go on"),
  resumeRelease: acts("resume", "Let a paused release go on"),
  advanceRelease: acts("advance", "Skip the rest of the step's hold; its checks are not skipped"),
  abortRelease: acts("abort", "End a release now; all traffic to the baseline"),
  putArtifact: {
    method: "PUT",
    path: "/v1/artifacts",
    summary: "Store an artifact or a file of eval results; the answer is its address",
    permission: "request",
    request: "bytes",
    status: 201,
    response: ArtifactStoredBody,
  },
  getArtifact: {
    method: "GET",
    path: "/v1/artifacts/:digest",
    summary: "An artifact as it was stored",
    permission: "read",
    status: 200,
    response: "application/octet-stream",
  },
  ...artifactUseRoutes,
  streamEvents: {
    method: "GET",
    path: "/v1/events/stream",
    summary: "Events as they are recorded, and how canary steps stand (SSE); resumes after Last-Event-ID",
    permission: "read",
    query: ["application"],
    status: 200,
    response: "text/event-stream",
  },
  getKpis: {
    method: "GET",
    path: "/v1/kpi",
    summary: "Lead time, overrides, rollbacks, regressions found in shadow",
    permission: "read",
    status: 200,
    response: KpiBody,
  },
  ...shadowPairRoutes,
  ...auditRoutes,
  ...deadLetterRoutes,
  ...erasureRoutes,
  createToken: {
    method: "POST",
    path: "/v1/tokens",
    summary: "Make a bearer token; the answer is the only place where it is shown",
    permission: "administer",
    request: CreateTokenBody,
    status: 201,
    response: TokenCreatedBody,
  },
  listTokens: {
    method: "GET",
    path: "/v1/tokens",
    summary: "Every bearer token, without the token itself",
    permission: "administer",
    status: 200,
    response: TokensBody,
  },
  revokeToken: {
    method: "POST",
    path: "/v1/tokens/:tokenId/revoke",
    summary: "Let a token open nothing any more",
    permission: "administer",
    status: 200,
    response: AccessToken,
  },
  getMe: {
    method: "GET",
    path: "/v1/me",
    summary: "Whose token this is, its role, and what that may do",
    permission: "read",
    status: 200,
    response: MeBody,
  },
  getOpenApi: {
    method: "GET",
    path: "/openapi.json",
    summary: "This description",
    permission: null,
    status: 200,
    response: "application/json",
  },
  getMetrics: {
    method: "GET",
    path: "/metrics",
    summary: "Prometheus metrics",
    permission: null,
    status: 200,
    response: "text/plain",
  },
  getHealth: {
    method: "GET",
    path: "/healthz",
    summary: "The process lives",
    permission: null,
    status: 200,
    response: "text/plain",
  },
  getReadiness: {
    method: "GET",
    path: "/readyz",
    summary: "The log is folded and requests can be served",
    permission: null,
    status: 200,
    response: "text/plain",
  },
  ...ofrepRoutes,
  ...analyticsRoutes,
  ...cdEventRoutes,
} as const satisfies Record<string, Route>;
export type RegistryRoute = keyof typeof registryRoutes;
