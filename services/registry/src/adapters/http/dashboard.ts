import { builtDashboard, type DashboardFile } from "@sluice/dashboard";
import type { FastifyInstance, FastifyReply } from "fastify";
import { HttpFailure } from "./http-failure.ts";

/** Serves the dashboard at `/`: static files, open to everybody; what they show is asked for with the viewer's token. */
export const serveDashboard = (app: FastifyInstance): void => {
  let files: Promise<ReadonlyMap<string, DashboardFile>> | undefined;
  const send = async (path: string, reply: FastifyReply) => {
    // Read with the first request: a registry that nobody looks at builds nothing. A failure is tried again.
    files ??= builtDashboard();
    const found = await files.catch((cause: unknown) => {
      files = undefined;
      throw new HttpFailure(503, "dashboard-not-built", cause instanceof Error ? cause.message : String(cause));
    });
    const file = found.get(path);
    if (!file) throw new HttpFailure(404, "not-found", `the dashboard has no file ${path}; reload the page`);
    return reply
      .header("cache-control", file.immutable ? "public, max-age=31536000, immutable" : "no-cache")
      .type(file.mediaType)
      .send(file.content);
  };
  app.get("/", (_request, reply) => send("/", reply));
  app.get<{ Params: { name: string } }>("/assets/:name", (request, reply) =>
    send(`/assets/${request.params.name}`, reply),
  );
};
