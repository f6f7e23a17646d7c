import { createHash } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Answer } from "./answer.ts";

/** Of the bytes of the answer: equal answers, equal tags, whichever registry gives them. */
export const etagOf = (body: string): string =>
  `"${createHash("sha256").update(body).digest("base64url").slice(0, 32)}"`;

/** Whether the client has this answer already. */
export const hasAlready = (request: FastifyRequest, etag: string): boolean => {
  const header = request.headers["if-none-match"];
  const known = typeof header === "string" ? header.split(",").map((tag) => tag.trim().replace(/^W\//u, "")) : [];
  return known.includes(etag) || known.includes("*");
};

/** The body, or 304 where the client has it. */
export const tagged = (request: FastifyRequest, body: string): Answer => ({
  send: (reply: FastifyReply) => {
    const etag = etagOf(body);
    reply.header("etag", etag).header("cache-control", "no-cache");
    return hasAlready(request, etag) ? reply.code(304).send() : reply.type("application/json").send(body);
  },
});
