import type { ArtifactStore } from "@sluice/artifact-store";
import { ApplicationName, ReleaseId } from "@sluice/contracts";
import type { EventBus } from "@sluice/event-bus";
import type { EventStore } from "@sluice/event-store";
import type { ReleaseLog } from "@sluice/release-log";
import type { TelemetryStore } from "@sluice/telemetry";
import type { TokenStore } from "@sluice/token-store";
import type * as Effect from "effect/Effect";
import type * as Schema from "effect/Schema";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { AuditLog } from "../../application/audit-log.ts";
import type { WorkflowTokens } from "../../application/authenticator.ts";
import type { Intention, Named } from "../../application/requests.ts";
import { decodeBody } from "./decode-body.ts";
import { HttpFailure } from "./http-failure.ts";

export type Ports =
  | ArtifactStore
  | AuditLog
  | EventBus
  | EventStore
  | ReleaseLog
  | TelemetryStore
  | TokenStore
  | WorkflowTokens;

export interface Answer {
  readonly send: (reply: FastifyReply) => FastifyReply;
}
export type Handler = (request: FastifyRequest, intention: Intention) => Effect.Effect<Answer, unknown, Ports>;

export const json = (body: unknown): Answer => ({
  send: (reply) => reply.type("application/json").send(JSON.stringify(body)),
});
export const text = (body: string): Answer => ({
  send: (reply) => reply.type("text/plain; charset=utf-8").send(body),
});

export const parameter = <A>(request: FastifyRequest, name: string, schema: Schema.Codec<A, unknown>): A =>
  decodeBody(schema, (request.params as Record<string, unknown>)[name], name);

export const query = (request: FastifyRequest, name: string): string | undefined => {
  const value = (request.query as Record<string, unknown>)[name];
  if (value === undefined || typeof value === "string") return value;
  throw new HttpFailure(400, "bad-request", `query ${name}: give it once`);
};

/** The release of the path, of the application of the query if it is there. */
export const namedBy = (request: FastifyRequest): Named => {
  const application = query(request, "application");
  return {
    releaseId: parameter(request, "releaseId", ReleaseId),
    application: application === undefined ? undefined : decodeBody(ApplicationName, application, "query application"),
  };
};

/** The position of a `?after=`. */
export const positionOf = (request: FastifyRequest): number => {
  const given = query(request, "after") ?? "0";
  const after = Number(given);
  if (Number.isSafeInteger(after) && after >= 0) return after;
  throw new HttpFailure(400, "bad-request", `query after is ${given}; give the position that 'next' named`);
};

/** How many of something are wanted. */
export const limitOf = (request: FastifyRequest, { unsaid, most }: { unsaid: number; most: number }): number => {
  const given = query(request, "limit");
  const limit = Number(given ?? unsaid);
  if (Number.isInteger(limit) && limit >= 1 && limit <= most) return limit;
  throw new HttpFailure(400, "bad-request", `query limit is ${given}; give 1 to ${most}`);
};
