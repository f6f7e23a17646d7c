import { randomUUID } from "node:crypto";
import { type Permission, type RegistryRoute, type Route, registryRoutes } from "@sluice/contracts";
import { senderOf } from "@sluice/event-bus/trace-context";
import type * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { Authenticator } from "../../application/authenticator.ts";
import type { KnownProgress } from "../../application/canary-progress.ts";
import type { ReleaseStates } from "../../application/release-states.ts";
import type { Intention } from "../../application/requests.ts";
import type { RegistrySettings } from "../../settings.ts";
import { authorize, identify } from "./access.ts";
import type { Ports } from "./answer.ts";
import { serveDashboard } from "./dashboard.ts";
import { sendFailure } from "./failure-dialects.ts";
import { failureOf } from "./failure-of.ts";
import { type Handlers, handlers } from "./handlers.ts";
import { HttpFailure } from "./http-failure.ts";
import { installLimits, type Limits } from "./limits.ts";
import { installSecurityHeaders } from "./security-headers.ts";
import { halfCharacterIn } from "./well-formed.ts";

export interface HttpServerParts {
  readonly settings: RegistrySettings;
  readonly context: Context.Context<Ports>;
  readonly authenticator: Authenticator;
  readonly states: ReleaseStates;
  /** Waits until all that the log has told is on record. */
  readonly recorded: Effect.Effect<void>;
  /** How long the record has been behind the log. */
  readonly behindMs: Effect.Effect<number>;
  readonly progress: KnownProgress;
  /** Takes over the reply of a stream. */
  readonly stream: (request: FastifyRequest, reply: FastifyReply, stillPermitted: () => Promise<boolean>) => void;
}

/** An answer is true once the log has told it; when the store is down the record follows later, and nobody waits for it. */
const RECORDED_WITHIN = "2 seconds";

/** A body that takes longer to arrive is given up: who sends it byte by byte would hold a connection for ever. */
const REQUEST_WITHIN_MS = 120_000;

/** The registry's HTTP surface: every route of the table, and the dashboard's files. */
export const httpServer = async (parts: HttpServerParts): Promise<FastifyInstance> => {
  const { settings } = parts;
  const app = Fastify({
    bodyLimit: settings.maxBodyBytes,
    requestTimeout: REQUEST_WITHIN_MS,
    // Idle keep-alive connections must not hold up a stop.
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 200, ignoreTrailingSlash: true },
  });
  app.setErrorHandler((error, request, reply) =>
    sendFailure(reply, pathOf(request), error instanceof HttpFailure ? error : fastifyFailure(error)),
  );
  app.setNotFoundHandler((request, reply) =>
    sendFailure(
      reply,
      pathOf(request),
      new HttpFailure(404, "not-found", `there is no ${request.method} ${pathOf(request)}; see /openapi.json`),
    ),
  );
  app.addContentTypeParser("application/octet-stream", { parseAs: "buffer" }, (_request, body, done) =>
    done(null, body),
  );
  app.addHook("preHandler", async ({ body }) => {
    const where = halfCharacterIn(body);
    if (where !== null)
      throw new HttpFailure(
        400,
        "bad-request",
        `${where.slice(0, 200).toWellFormed()}: half a character; send whole ones`,
      );
  });
  await installSecurityHeaders(app);
  const limits = await installLimits(app, settings);
  const answers = handlers(parts);
  const add = (on: FastifyInstance, isWanted: (route: Route) => boolean) => {
    for (const [name, route] of Object.entries<Route>(registryRoutes))
      if (isRoute(name) && isWanted(route)) addRoute(on, parts, limits, answers, name);
  };
  add(app, (route) => route.request !== "text/plain");
  // A text is a text, whatever its sender calls it.
  await app.register(async (texts) => {
    texts.removeAllContentTypeParsers();
    texts.addContentTypeParser("*", { parseAs: "string" }, (_request, body, done) => done(null, body));
    add(texts, (route) => route.request === "text/plain");
  });
  serveDashboard(app);
  return app;
};

const addRoute = (
  on: FastifyInstance,
  parts: HttpServerParts,
  limits: Limits,
  answers: Handlers,
  name: RegistryRoute,
): void => {
  const route: Route = registryRoutes[name];
  const intentions = new WeakMap<FastifyRequest, Intention>();
  on.route({
    method: route.method,
    url: route.path,
    ...(route.request === "bytes" && { bodyLimit: parts.settings.maxArtifactBytes }),
    // Before the body is read: nobody has to be let in to be told that they are not.
    onRequest: async (request, reply) => {
      intentions.set(request, await permit(parts, limits, route.permission, request, reply));
    },
    handler: async (request, reply) => {
      const intention = intentions.get(request);
      if (!intention) throw new Error("a handler runs after its permission");
      if (name === "streamEvents")
        return parts.stream(request, reply, () => stillPermitted(parts, route.permission, request));
      const asked = requestSpan(route, request, withRecord(parts, route, run(answers[name], request, intention)));
      const answer = await settled(parts, name, asked);
      return answer.send(reply.code(route.status));
    },
  });
};

/** A request is part of its caller's trace (header `traceparent`), and what it publishes is part of the request. */
const requestSpan = <A, E, R>(route: Route, request: FastifyRequest, answered: Effect.Effect<A, E, R>) => {
  const [caller] = senderOf(String(request.headers.traceparent ?? ""));
  return Effect.withSpan(answered, `${route.method} ${route.path}`, {
    kind: "server",
    attributes: { "http.request.method": route.method, "http.route": route.path },
    ...(caller ? { parent: caller } : { root: true }),
  });
};

/** What the effect gives, or its failure as an answer; those that are ours are logged. */
const settled = async <A>({ context }: HttpServerParts, name: string, effect: Effect.Effect<A, unknown, Ports>) => {
  const exit = await Effect.runPromiseExitWith(context)(effect);
  if (Exit.isSuccess(exit)) return exit.value;
  const failure = failureOf(exit.cause);
  // That it is not ready is what it was asked: whoever asks every few seconds must not fill the log.
  if (failure.status >= 500 && name !== "getReadiness") logFailure(name, exit.cause, context);
  throw failure;
};

/** Who changed something finds it on record afterwards. */
const withRecord = <A>({ recorded }: HttpServerParts, route: Route, effect: Effect.Effect<A, unknown, Ports>) =>
  route.method === "POST" && route.permission !== "read"
    ? Effect.tap(effect, () => Effect.timeoutOption(recorded, RECORDED_WITHIN))
    : effect;

const run = (handler: Handlers[keyof Handlers], request: FastifyRequest, intention: Intention) =>
  Effect.suspend(() => handler(request, intention));

const isRoute = (name: string): name is RegistryRoute => name in registryRoutes;

const permit = async (
  parts: HttpServerParts,
  limits: Limits,
  permission: Permission | null,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Intention> => {
  if (!permission) return { author: { id: "anybody", role: "viewer" }, team: null, key: randomUUID() };
  const identity = await settled(
    parts,
    "identify",
    Effect.catchTag(identify(parts.authenticator, request), "Unauthenticated", (error) =>
      Effect.andThen(
        Effect.tryPromise({ try: () => limits.ofFailures(request, reply), catch: (cause) => cause }),
        Effect.fail(error),
      ),
    ),
  );
  await limits.ofAuthor(request, reply, identity);
  authorize(identity.author, permission);
  return { ...identity, key: keyOf(request) };
};

/** Asked again and again of a stream: a token that has expired or was revoked meanwhile opens nothing any more. */
const stillPermitted = async (
  { authenticator, context }: HttpServerParts,
  permission: Permission | null,
  request: FastifyRequest,
): Promise<boolean> => {
  if (!permission) return true;
  const exit = await Effect.runPromiseExitWith(context)(
    Effect.map(identify(authenticator, request), ({ author }) => authorize(author, permission)),
  );
  // Whose word cannot be asked for now (503) is believed for as long.
  return Exit.isSuccess(exit) || failureOf(exit.cause).status >= 500;
};

const keyOf = ({ headers }: FastifyRequest): string => {
  const header = headers["idempotency-key"];
  const key = typeof header === "string" && header.trim() !== "" ? header.trim() : randomUUID();
  if (key.length > 200) throw new HttpFailure(400, "bad-request", "header idempotency-key: at most 200 characters");
  return key;
};

const logFailure = (route: string, cause: unknown, context: Context.Context<Ports>) =>
  Effect.runForkWith(context)(
    Effect.logError("request failed").pipe(Effect.annotateLogs({ route, cause: String(cause) })),
  );

const pathOf = (request: FastifyRequest): string => request.url.split("?", 1)[0] ?? "";

/** Fastify's own refusals of a body, in our form. */
const fastifyFailure = (error: unknown): HttpFailure => {
  const status = typeof error === "object" && error !== null && "statusCode" in error ? Number(error.statusCode) : 500;
  const message = error instanceof Error ? error.message : "";
  if (status === 413) return new HttpFailure(413, "too-large", "the body is larger than this route takes");
  if (status === 415)
    return new HttpFailure(
      415,
      "media-type",
      "send content-type application/json, or application/octet-stream for an artifact",
    );
  if (status >= 400 && status < 500) return new HttpFailure(status, "bad-request", `body: ${message}`);
  return new HttpFailure(500, "internal", "the registry failed; its log has the details");
};
