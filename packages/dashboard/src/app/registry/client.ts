import type { ErrorBody, RegistryRoute, registryRoutes } from "@sluice/contracts";

type Routes = typeof registryRoutes;
type Line<R extends RegistryRoute> = `${Routes[R]["method"]} ${Routes[R]["path"]}`;

/** What the dashboard calls. The compiler holds each line to the route table of the contracts, which is erased. */
const lines = {
  getMe: "GET /v1/me",
  listApplications: "GET /v1/applications",
  getApplication: "GET /v1/applications/:application",
  rollBackApplication: "POST /v1/applications/:application/rollback",
  freezeApplication: "POST /v1/applications/:application/freeze",
  unfreezeApplication: "POST /v1/applications/:application/unfreeze",
  stopApplication: "POST /v1/applications/:application/stop",
  freezeAll: "POST /v1/freeze",
  unfreezeAll: "POST /v1/unfreeze",
  stopAll: "POST /v1/stop",
  listReleases: "GET /v1/releases",
  getRelease: "GET /v1/releases/:releaseId",
  getShadowPairs: "GET /v1/releases/:releaseId/pairs",
  getProgress: "GET /v1/releases/:releaseId/progress",
  overrideGate: "POST /v1/releases/:releaseId/override",
  pauseRelease: "POST /v1/releases/:releaseId/pause",
  resumeRelease: "POST /v1/releases/:releaseId/resume",
  advanceRelease: "POST /v1/releases/:releaseId/advance",
  abortRelease: "POST /v1/releases/:releaseId/abort",
  getArtifactUses: "GET /v1/artifacts/:digest/uses",
  getArtifact: "GET /v1/artifacts/:digest",
  streamEvents: "GET /v1/events/stream",
  getKpis: "GET /v1/kpi",
  verifyAudit: "GET /v1/audit/verify",
  getAuditKey: "GET /v1/audit/key",
  getAuditRows: "GET /v1/audit/rows",
  getServedAt: "GET /v1/audit/at",
  getPassport: "GET /v1/audit/releases/:releaseId/passport",
} as const satisfies { readonly [R in RegistryRoute]?: Line<R> };

type Called = keyof typeof lines;
export type Answer<R extends RegistryRoute> = Routes[R]["response"] extends { readonly Type: infer A } ? A : unknown;
type Body<R extends RegistryRoute> = Routes[R] extends { readonly request: { readonly Encoded: infer B } }
  ? B
  : undefined;

export interface Call<R extends Called> {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: Body<R>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** What the registry refused, or that it could not be reached (status 0). The message is one sentence for people. */
export class RegistryFailure extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const urlOf = <R extends Called>(route: R, { path = {}, query = {} }: Call<R>): URL => {
  const [, pattern = ""] = lines[route].split(" ");
  const filled = pattern.replaceAll(/:([A-Za-z]+)/gu, (_, name: string) => encodeURIComponent(path[name] ?? ""));
  // Relative to the page, which a proxy may serve under any path.
  const url = new URL(`.${filled}`, document.baseURI.split("#", 1)[0]);
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
  return url;
};

/** Sends a request as the bearer of the token. Throws RegistryFailure for every answer other than 2xx. */
export const send = async <R extends Called>(token: string, route: R, call: Call<R> = {}): Promise<Response> => {
  const response = await fetch(urlOf(route, call), {
    method: lines[route].split(" ", 1)[0] ?? "GET",
    headers: {
      authorization: `Bearer ${token}`,
      ...(call.body !== undefined && { "content-type": "application/json" }),
      ...call.headers,
    },
    ...(call.body !== undefined && { body: JSON.stringify(call.body) }),
    ...(call.signal && { signal: call.signal }),
    cache: "no-store",
    credentials: "omit",
  }).catch((cause: unknown) => {
    if (call.signal?.aborted) throw cause;
    throw new RegistryFailure(0, "the registry cannot be reached");
  });
  if (response.ok) return response;
  const body = (await response.json().catch(() => null)) as typeof ErrorBody.Type | null;
  throw new RegistryFailure(response.status, body?.error.message ?? `the registry answered ${response.status}`);
};

export const ask = async <R extends Called>(token: string, route: R, call: Call<R> = {}): Promise<Answer<R>> =>
  (await send(token, route, call)).json() as Promise<Answer<R>>;
