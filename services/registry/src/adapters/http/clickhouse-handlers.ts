import { randomUUID } from "node:crypto";
import { type StatementRefused, TelemetryStore } from "@sluice/telemetry";
import * as Effect from "effect/Effect";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Intention } from "../../application/requests.ts";
import { type Answer, type Handler, text } from "./answer.ts";

/** ClickHouse's HTTP protocol, as far as a client that reads needs it. */
const answerStatement = (request: FastifyRequest, { team }: Intention) =>
  Effect.gen(function* () {
    const asked = request.query as Readonly<Record<string, unknown>>;
    const one = (name: string) => (typeof asked[name] === "string" ? asked[name] : undefined);
    const header = request.headers["x-clickhouse-format"];
    const store = yield* TelemetryStore;
    const { format, bytes } = yield* store.answer({
      sql: [one("query"), typeof request.body === "string" ? request.body : ""].filter(Boolean).join("\n"),
      format: (typeof header === "string" ? header : undefined) ?? one("default_format") ?? "TabSeparated",
      parameters: withPrefix(asked, /^param_(\w+)$/u),
      outputSettings: withPrefix(asked, /^((?:output_format_|date_time_output_format)\w*)$/u),
      team,
    });
    return {
      send: (reply: FastifyReply) =>
        reply
          .header("x-clickhouse-query-id", one("query_id")?.match(/^[\w-]{1,100}$/u)?.[0] ?? randomUUID())
          .header("x-clickhouse-format", format)
          .header("x-clickhouse-timezone", "UTC")
          .type(mediaTypeOf(format))
          .send(Buffer.from(bytes)),
    } satisfies Answer;
  }).pipe(Effect.catchTag("StatementRefused", (refused) => Effect.succeed(exception(refused))));

export const clickhouseHandlers = {
  answerQuery: answerStatement,
  answerStatement,
  pingAnalytics: () => Effect.succeed(text("Ok.\n")),
} satisfies Record<string, Handler>;

const withPrefix = (asked: Readonly<Record<string, unknown>>, pattern: RegExp): Record<string, string> =>
  Object.fromEntries(
    Object.entries(asked).flatMap(([name, value]) => {
      const key = name.match(pattern)?.[1];
      return key !== undefined && typeof value === "string" ? [[key, value]] : [];
    }),
  );

const mediaTypeOf = (format: string): string => {
  if (/EachRow|NDJSON|JSONLines/u.test(format)) return "application/x-ndjson; charset=UTF-8";
  if (format.startsWith("JSON")) return "application/json; charset=UTF-8";
  if (format.startsWith("CSV")) return "text/csv; charset=UTF-8; header=absent";
  if (/^(?:TSV|TabSeparated)/u.test(format)) return "text/tab-separated-values; charset=UTF-8";
  return /^(?:RowBinary|Native|Parquet|Arrow)/u.test(format) ? "application/octet-stream" : "text/plain; charset=UTF-8";
};

/** As ClickHouse says it: its clients read code and name out of the text. */
const exception = ({ code, name, message }: Pick<StatementRefused, "code" | "name" | "message">): Answer => ({
  send: (reply) => {
    // Too many wait already: what is asked is no mistake, only now.
    const status = code === 202 ? 429 : 400;
    if (status === 429) reply.header("retry-after", 1);
    return reply
      .code(status)
      .header("x-clickhouse-exception-code", code)
      .type("text/plain; charset=UTF-8")
      .send(exceptionText(code, name, message));
  },
});

export const exceptionText = (code: number, name: string, message: string): string =>
  `Code: ${code}. DB::Exception: ${message.replace(/\.?\s*$/u, "")}. (${name})\n`;
