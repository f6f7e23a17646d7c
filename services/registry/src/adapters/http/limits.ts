import rateLimit from "@fastify/rate-limit";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Identity } from "../../application/authenticator.ts";
import type { RegistrySettings } from "../../settings.ts";
import { HttpFailure } from "./http-failure.ts";

export interface Limits {
  /** Counts a request of somebody who is known. */
  readonly ofAuthor: (request: FastifyRequest, reply: FastifyReply, identity: Identity) => Promise<void>;
  /** Counts a request whose token lets nobody in: those alone are counted by address, so that behind one proxy nobody pays for another. */
  readonly ofFailures: (request: FastifyRequest, reply: FastifyReply) => Promise<void>;
}

/** Both throw a 429 that says when to come back. */
export const installLimits = async (
  app: FastifyInstance,
  settings: Pick<RegistrySettings, "requestsPerMinute" | "failuresPerMinute">,
): Promise<Limits> => {
  await app.register(rateLimit, { global: false });
  const authors = new WeakMap<FastifyRequest, string>();
  const byAuthor = app.createRateLimit({
    max: settings.requestsPerMinute,
    timeWindow: 60_000,
    keyGenerator: (request) => authors.get(request) ?? request.ip,
  });
  const byAddress = app.createRateLimit({ max: settings.failuresPerMinute, timeWindow: 60_000 });
  const check = async (limit: typeof byAuthor, request: FastifyRequest, reply: FastifyReply, what: string) => {
    const answer = await limit(request);
    if (answer.isAllowed || !answer.isExceeded) return;
    reply.header("retry-after", answer.ttlInSeconds);
    throw new HttpFailure(
      429,
      "too-many-requests",
      `${what} in this minute, more than ${answer.max}; come back in ${answer.ttlInSeconds} s`,
    );
  };
  return {
    ofAuthor: (request, reply, { author }) => {
      authors.set(request, author.id);
      return check(byAuthor, request, reply, `too many requests of ${author.id}`);
    },
    ofFailures: (request, reply) =>
      check(byAddress, request, reply, "too many requests without a valid token from this address"),
  };
};
