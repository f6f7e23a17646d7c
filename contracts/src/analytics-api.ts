import type { Route } from "./registry-api.ts";

const statement = {
  path: "/clickhouse",
  permission: "read",
  query: ["query", "database", "default_format", "query_id"],
  status: 200,
  response: "text/plain",
} as const;

/** ClickHouse's HTTP protocol, read-only: its clients work with the path `/clickhouse`, and a token as their password. */
export const analyticsRoutes = {
  answerQuery: {
    ...statement,
    method: "GET",
    summary: "Answer a SELECT of the query parameter, for ClickHouse's clients",
  },
  answerStatement: {
    ...statement,
    method: "POST",
    summary: "Answer a SELECT of the body, for ClickHouse's clients",
    request: "text/plain",
  },
  pingAnalytics: {
    method: "GET",
    path: "/clickhouse/ping",
    summary: "What ClickHouse's clients ask before they ask anything else",
    permission: null,
    status: 200,
    response: "text/plain",
  },
} as const satisfies Record<string, Route>;
