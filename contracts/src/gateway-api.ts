import type * as Schema from "effect/Schema";
import { ObservationsTakenBody, ReportedObservationsBody } from "./reported-observation.ts";

/** The gateway speaks OpenAI's API: bodies pass through, so this table names only what the gateway itself adds. */
export interface GatewayRoute {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly summary: string;
  /** Whether a client key is asked for, where the gateway has any. */
  readonly keyed: boolean;
  readonly response: "application/json" | "text/plain";
  /** Bodies that are Sluice's own; absent: OpenAI's. */
  readonly own?: { readonly request: Schema.Top; readonly response: Schema.Top };
}

const completion = (path: string, summary: string): GatewayRoute => ({
  method: "POST",
  path,
  summary,
  keyed: true,
  response: "application/json",
});
const plain = (path: string, summary: string): GatewayRoute => ({
  method: "GET",
  path,
  summary,
  keyed: false,
  response: "text/plain",
});

export const gatewayRoutes = {
  createChatCompletion: completion("/v1/chat/completions", "OpenAI chat completion; `model` is the application"),
  createCompletion: completion("/v1/completions", "OpenAI completion; `model` is the application"),
  createEmbedding: completion("/v1/embeddings", "OpenAI embedding; `model` is the application"),
  createResponse: completion("/v1/responses", "OpenAI response; `model` is the application"),
  listModels: {
    method: "GET",
    path: "/v1/models",
    summary: "The applications that this gateway routes, as OpenAI lists models",
    keyed: true,
    response: "application/json",
  },
  reportObservations: {
    method: "POST",
    path: "/v1/observations",
    summary: "What a service has served itself, on the arm that the client SDK gave it; needs a reporter's key",
    keyed: true,
    response: "application/json",
    own: { request: ReportedObservationsBody, response: ObservationsTakenBody },
  },
  getMetrics: plain("/metrics", "Prometheus metrics"),
  getHealth: plain("/healthz", "The process lives"),
  getReadiness: plain("/readyz", "A routing is known and requests can be served"),
} as const satisfies Record<string, GatewayRoute>;

/** Headers that the gateway puts on every completion. */
export const gatewayResponseHeaders = {
  "x-sluice-arm": "The arm that served the request: baseline or candidate",
  "x-sluice-bundle": "Digest of the bundle that was rendered",
  "x-sluice-release": "The active release, where there is one",
  "x-request-id": "The request's id, also on its observation",
} as const;

/** Headers by which a caller says who belongs together: assignment is sticky by conversation, then user, then request. */
export const gatewayRequestHeaders = {
  "x-sluice-conversation": "Key of the conversation",
  "x-sluice-user": "Key of the user",
} as const;
