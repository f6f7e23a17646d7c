import type { ClickHouseClient } from "@clickhouse/client";
import * as Effect from "effect/Effect";
import * as Semaphore from "effect/Semaphore";
import {
  type AnalystAnswer,
  type AnalystStatement,
  readOnlyHere,
  refuse,
  StatementRefused,
} from "../analyst-statement.ts";
import { TelemetryError } from "../telemetry-store.ts";
import { messageOf } from "./connection.ts";
import { isPlainFormat, rowsOf, type Surroundings, whyRefused, withoutFormat } from "./statement-guard.ts";
import { teamFilters, textsHidden } from "./team-filter.ts";

/** Of one statement. In one process with the gateway: an analyst's mistake must not take what requests need. */
const limits: Readonly<Record<string, string>> = {
  max_execution_time: "30",
  max_result_rows: "100000",
  max_result_bytes: "67108864",
  result_overflow_mode: "'throw'",
  max_memory_usage: "1000000000",
  max_threads: "2",
};
/** Longer statements are written by no person. */
const MAX_STATEMENT_LENGTH = 100_000;
/** Statements that wait for their turn: an embedded ClickHouse runs one at a time. */
const MAX_WAITING = 16;

/** Answers analysts' statements: one at a time, each read first (`statement-guard.ts`), with limits it cannot lift. */
export const answerAnalyst = Effect.fnUntraced(function* (client: ClickHouseClient) {
  const met = yield* surroundings(client);
  const turn = yield* Semaphore.make(1);
  let waiting = 0;

  const treeOf = (sql: string, parameters: AnalystStatement["parameters"]) =>
    Effect.map(bytesOf(client, `EXPLAIN AST ${sql}`, parameters), (tree) => rowsOf(tree.toString("utf8")));
  /** The parser loses what stands behind a UNION DISTINCT; within a subquery that is no matter. */
  const keepsSettings = (sql: string, parameters: AnalystStatement["parameters"]) =>
    Effect.map(treeOf(sql, parameters), (rows) => !rows[0]?.startsWith("SelectWithUnion") || rows.includes(" Set"));

  const answer = Effect.fnUntraced(function* (statement: AnalystStatement) {
    const { body, format } = withoutFormat(statement.sql);
    const chosen = format ?? statement.format;
    const fault = faultOf(body, chosen, statement.outputSettings);
    if (fault) return yield* fault;
    const filters =
      statement.team === null
        ? textsHidden(met.database)
        : teamFilters(yield* baseTables(client), met.database, statement.team);
    const settings = [
      ...Object.entries({ ...statement.outputSettings, ...limits }).map(([name, value]) => `${name} = ${value}`),
      `additional_table_filters = ${filters}`,
    ];
    // On a line of their own, so that no comment swallows them.
    const ending = `\nFORMAT ${chosen}\nSETTINGS ${settings.join(", ")}`;
    const sql = (yield* keepsSettings(`${body}${ending}`, statement.parameters))
      ? `${body}${ending}`
      : `SELECT * FROM (\n${body}\n)${ending}`;
    const refused = whyRefused(body, yield* treeOf(sql, statement.parameters), {
      ...met,
      ofOneTeam: statement.team !== null,
    });
    if (refused !== null) return yield* readOnlyHere(refused);
    return { format: chosen, bytes: yield* bytesOf(client, sql, statement.parameters) } satisfies AnalystAnswer;
  });

  return (statement: AnalystStatement) =>
    Effect.suspend(() => {
      if (waiting >= MAX_WAITING)
        return Effect.fail(
          refuse(202, "TOO_MANY_SIMULTANEOUS_QUERIES", `${MAX_WAITING} statements wait already; try again`),
        );
      waiting += 1;
      return Effect.ensuring(
        Semaphore.withPermit(turn, answer(statement)),
        Effect.sync(() => {
          waiting -= 1;
        }),
      );
    });
});

const faultOf = (
  body: string,
  format: string,
  outputSettings: Readonly<Record<string, string>>,
): StatementRefused | null => {
  if (body === "") return refuse(62, "SYNTAX_ERROR", "send a statement, such as SELECT * FROM kpi_lead_time");
  if (body.length > MAX_STATEMENT_LENGTH)
    return refuse(62, "SYNTAX_ERROR", `the statement has ${body.length} characters, more than ${MAX_STATEMENT_LENGTH}`);
  // Also within a text: whether it is one is ClickHouse's to say, and by then both statements would have run.
  if (body.includes(";"))
    return refuse(62, "SYNTAX_ERROR", "send one statement, without ';' (in a text write char(59))");
  if (!isPlainFormat(format)) return refuse(73, "UNKNOWN_FORMAT", `format ${format} is not answered here`);
  const odd = Object.entries(outputSettings).find(
    ([name, value]) => !/^(?:output_format_\w+|date_time_output_format)$/u.test(name) || !/^\w+$/u.test(value),
  );
  return odd ? readOnlyHere(`setting ${odd[0]} is not changed here`) : null;
};

const surroundings = Effect.fnUntraced(function* (client: ClickHouseClient) {
  const namesIn = (table: string) =>
    Effect.map(
      jsonRows(client, `SELECT lower(name) AS name FROM system.${table}`),
      (rows) => new Set(rows.map((row) => String(row.name))),
    );
  const [current] = yield* jsonRows(client, "SELECT currentDatabase() AS name");
  return {
    database: String(current?.name ?? "default"),
    tableFunctions: yield* namesIn("table_functions"),
    functions: yield* namesIn("functions"),
  } satisfies Omit<Surroundings, "ofOneTeam">;
});

const baseTables = (client: ClickHouseClient) =>
  Effect.map(
    jsonRows(client, "SELECT name FROM system.tables WHERE database = currentDatabase() AND NOT engine LIKE '%View'"),
    (rows) => rows.map((row) => String(row.name)),
  );

const jsonRows = (client: ClickHouseClient, query: string) =>
  Effect.tryPromise({
    try: async () => (await client.query({ query, format: "JSONEachRow" })).json<Record<string, unknown>>(),
    catch: (cause) => new TelemetryError({ operation: "query", message: messageOf(cause) }),
  });

const bytesOf = (client: ClickHouseClient, query: string, parameters: Readonly<Record<string, string>>) =>
  Effect.tryPromise({
    try: async () => {
      const { stream } = await client.exec({ query, query_params: { ...parameters } });
      const chunks: Array<Buffer> = [];
      for await (const chunk of stream) chunks.push(Buffer.from(chunk));
      return Buffer.concat(chunks);
    },
    catch: failureOf,
  });

/** ClickHouse's own refusals have a number and a name: they are about the statement. Anything else is about ClickHouse. */
const failureOf = (cause: unknown): StatementRefused | TelemetryError => {
  const text = cause instanceof Error ? cause.message : String(cause);
  const code =
    (cause instanceof Error && "code" in cause && Number(cause.code)) || Number(text.match(/Code: (\d+)/u)?.[1]);
  if (!Number.isSafeInteger(code) || code <= 0)
    return new TelemetryError({ operation: "query", message: messageOf(cause) });
  const name = cause instanceof Error && "type" in cause ? String(cause.type) : text.match(/\(([A-Z_]+)\)\s*$/u)?.[1];
  return new StatementRefused({ code, name: name ?? "UNKNOWN", message: messageOf(cause) });
};
