import { randomUUID } from "node:crypto";
import { type Permission, type RegistryRoute, type Route, registryRoutes } from "@sluice/contracts";
import type * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { KnownProgress } from "../../application/canary-progress.ts";
import type { Intention } from "../../application/requests.ts";
import type { RegistrySettings } from "../../settings.ts";
import { authenticate, authorize } from "./access.ts";
import { serveDashboard } from "./dashboard.ts";
import { failureOf } from "./failure-of.ts";
import { type Handlers, handlers, type Ports } from "./handlers.ts";
import { HttpFailure } from "./http-failure.ts";

export interface HttpServerParts {
  readonly settings: RegistrySettings;
  readonly context: Context.Context<Ports>;
  /** Waits until all that the log has told is on record. */
  readonly recorded: Effect.Effect<void>;
  /** How long the record has been behind the log. */
  readonly behindMs: Effect.Effect<number>;
  readonly progress: KnownProgress;
  /** Takes over the reply of a stream. */
  readonly stream: (request: FastifyRequest, reply: FastifyReply) => void;
}

/** An answer is true once the log has told it; when the store is down the record follows later, and nobody waits for it. */
const RECORDED_WITHIN = "2 seconds";

/** The registry's HTTP surface: every route of the table, and the dashboard's files. */
export const httpServer = ({
  settings,
  context,
  recorded,
  behindMs,
  progress,
  stream,
}: HttpServerParts): FastifyInstance => {
  const answers = handlers(behindMs, settings, progress);
  const app = Fastify({
    bodyLimit: settings.maxBodyBytes,
    // Idle keep-alive connections must not hold up a stop.
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 200 },
  });
  app.setErrorHandler((error, _request, reply) => answerFailure(reply, error));
  app.setNotFoundHandler((request, reply) =>
    answerFailure(
      reply,
      new HttpFailure(404, "not-found", `there is no ${request.method} ${pathOf(request)}; see /openapi.json`),
    ),
  );
  app.addContentTypeParser("application/octet-stream", { parseAs: "buffer" }, (_request, body, done) =>
    done(null, body),
  );
  app.addHook("onSend", async (_request, reply) => {
    reply.header("x-content-type-options", "nosniff");
    if (!reply.hasHeader("cache-control")) reply.header("cache-control", "no-store");
  });

  for (const [name, route] of Object.entries<Route>(registryRoutes)) {
    if (!isRoute(name)) continue;
    app.route({
      method: route.method,
      url: route.path,
      ...(route.request === "bytes" && { bodyLimit: settings.maxArtifactBytes }),
      handler: async (request, reply) => {
        const intention = permit(settings, route.permission, request);
        if (name === "streamEvents") return stream(request, reply);
        const answered = run(answers[name], request, intention);
        const exit = await Effect.runPromiseExitWith(context)(
          route.method === "POST"
            ? Effect.tap(answered, () => Effect.timeoutOption(recorded, RECORDED_WITHIN))
            : answered,
        );
        if (Exit.isFailure(exit)) {
          const failure = failureOf(exit.cause);
          if (failure.status >= 500) logFailure(name, exit.cause, context);
          throw failure;
        }
        return exit.value.send(reply.code(route.status));
      },
    });
  }
  serveDashboard(app);
  return app;
};

const run = (handler: Handlers[keyof Handlers], request: FastifyRequest, intention: Intention) =>
  Effect.suspend(() => handler(request, intention));

const isRoute = (name: string): name is RegistryRoute => name in registryRoutes;

const permit = (settings: RegistrySettings, permission: Permission | null, request: FastifyRequest): Intention => {
  const header = request.headers["idempotency-key"];
  const key = typeof header === "string" && header.trim() !== "" ? header.trim() : randomUUID();
  if (key.length > 200) throw new HttpFailure(400, "bad-request", "header idempotency-key: at most 200 characters");
  if (!permission) return { author: { id: "anybody", role: "viewer" }, key };
  const author = authenticate(settings.tokens, request.headers.authorization);
  authorize(author, permission);
  return { author, key };
};

const logFailure = (route: string, cause: unknown, context: Context.Context<Ports>) =>
  Effect.runForkWith(context)(
    Effect.logError("request failed").pipe(Effect.annotateLogs({ route, cause: String(cause) })),
  );

const pathOf = (request: FastifyRequest): string => request.url.split("?", 1)[0] ?? "";

const answerFailure = (reply: FastifyReply, error: unknown) => {
  const failure = error instanceof HttpFailure ? error : fastifyFailure(error);
  return reply
    .code(failure.status)
    .type("application/json")
    .send({ error: { code: failure.code, message: failure.message } });
};

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
