import type { FastifyReply } from "fastify";
import { exceptionText } from "./clickhouse-handlers.ts";
import type { HttpFailure } from "./http-failure.ts";

/** Codes by which ClickHouse's clients know what happened before their statement was read. */
const clickhouseCodes: Readonly<Record<number, readonly [number, string]>> = {
  401: [516, "AUTHENTICATION_FAILED"],
  403: [497, "ACCESS_DENIED"],
  429: [201, "QUOTA_EXCEEDED"],
};

/** A failure in the form that clients of the path's protocol read; our own elsewhere. */
export const sendFailure = (
  reply: FastifyReply,
  path: string,
  { status, code, message }: HttpFailure,
): FastifyReply => {
  reply.code(status);
  if (path.startsWith("/clickhouse")) {
    const [number, name] = clickhouseCodes[status] ?? [1_000, "STD_EXCEPTION"];
    return reply
      .header("x-clickhouse-exception-code", number)
      .type("text/plain; charset=UTF-8")
      .send(exceptionText(number, name, message));
  }
  if (path.startsWith("/ofrep/")) {
    const errorCode = status === 400 ? "PARSE_ERROR" : "GENERAL";
    return reply.type("application/json").send({ errorCode, errorDetails: message });
  }
  return reply.type("application/json").send({ error: { code, message } });
};
