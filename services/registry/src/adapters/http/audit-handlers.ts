import { ApplicationName, type auditRoutes, RECORD_FORMAT, Timestamp } from "@sluice/contracts";
import { EventStore } from "@sluice/event-store";
import * as Effect from "effect/Effect";
import type { FastifyRequest } from "fastify";
import { AuditLog } from "../../application/audit-log.ts";
import { knownApplication } from "../../application/known-application.ts";
import { passportOf } from "../../application/passports.ts";
import { locate, NotFound } from "../../application/requests.ts";
import { servedAt } from "../../application/served-at.ts";
import { type Handler, json, namedBy, positionOf, query, text } from "./answer.ts";
import { decodeBody } from "./decode-body.ts";

/** Rows of one answer; what is left is asked for with `?after=`. */
const ROWS_PAGE = 1_000;

/** The routes of auditors. */
export const auditHandlers: { readonly [Route in keyof typeof auditRoutes]: Handler } = {
  verifyAudit: () =>
    Effect.map(
      Effect.flatMap(AuditLog, ({ verify }) => verify),
      json,
    ),
  getAuditKey: () =>
    Effect.gen(function* () {
      const { key } = yield* AuditLog;
      if (!key) return yield* new NotFound({ message: "this registry signs nothing: it has no signing key" });
      return text(`${key.verifierKey}\n`);
    }),
  getCheckpoint: () =>
    Effect.map(
      Effect.flatMap(AuditLog, ({ checkpoint }) => checkpoint),
      ({ note }) => text(note),
    ),
  getRecordHead: () =>
    Effect.gen(function* () {
      const { key, checkpoint } = yield* AuditLog;
      const store = yield* EventStore;
      if (key) yield* checkpoint;
      const checkpoints = (yield* store.checkpoints).map(({ note }) => note);
      const { position, hash } = yield* store.head;
      return json({ format: RECORD_FORMAT, key: key?.verifierKey ?? null, head: { position, hash }, checkpoints });
    }),
  getAuditRows: (request) =>
    Effect.gen(function* () {
      const store = yield* EventStore;
      const application = query(request, "application");
      const after = positionOf(request);
      const rows = yield* store.read({ ...(application !== undefined && { application }), after, limit: ROWS_PAGE });
      return json({ rows, next: rows.at(-1)?.position ?? null });
    }),
  getPassport: (request) =>
    Effect.gen(function* () {
      const { application, releaseId } = yield* locate(namedBy(request));
      return json(yield* passportOf(application, releaseId));
    }),
  getServedAt: (request) =>
    Effect.gen(function* () {
      const { application } = yield* knownApplication(required(request, "application", ApplicationName));
      return json(yield* servedAt(application, required(request, "at", Timestamp)));
    }),
};

const required = (request: FastifyRequest, name: string, schema: typeof ApplicationName | typeof Timestamp): string =>
  decodeBody(schema, query(request, name), `query ${name}`);
