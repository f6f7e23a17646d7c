import type * as Schema from "effect/Schema";
import { type GatewayRoute, gatewayRequestHeaders, gatewayResponseHeaders, gatewayRoutes } from "../gateway-api.ts";
import { ErrorBody, permissions } from "../http.ts";
import { type Route, registryRoutes } from "../registry-api.ts";
import { Components, type JsonObject, jsonSchemaOf } from "./json-schema-of.ts";

const info = (title: string, description: string) => ({
  title,
  version: "1.0.0",
  description,
  license: { name: "Apache-2.0", identifier: "Apache-2.0" },
});
const bearer = { bearer: { type: "http", scheme: "bearer" } };
const pathOf = (path: string) => path.replaceAll(/:([A-Za-z]+)/gu, "{$1}");
const parametersOf = (path: string, query: ReadonlyArray<string>) => [
  ...[...path.matchAll(/:([A-Za-z]+)/gu)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  })),
  ...query.map((name) => ({ name, in: "query", schema: { type: "string" } })),
];
const byPath = (operations: ReadonlyArray<{ path: string; method: string; operation: JsonObject }>): JsonObject => {
  const paths: Record<string, Record<string, JsonObject>> = {};
  for (const { path, method, operation } of operations)
    paths[pathOf(path)] = { ...paths[pathOf(path)], [method.toLowerCase()]: operation };
  return paths;
};

/** OpenAPI 3.1 of the registry, from its route table. */
export const registryOpenApi = (): JsonObject => {
  const components = new Components("#/components/schemas/");
  const body = (schema: Schema.Top | string) =>
    typeof schema === "string"
      ? { [schema === "bytes" ? "application/octet-stream" : schema]: {} }
      : { "application/json": { schema: components.add(jsonSchemaOf(schema)) } };
  const failure = { description: "One sentence says what to do", content: body(ErrorBody) };
  const operationOf = (operationId: string, route: Route): JsonObject => ({
    operationId,
    summary: route.summary,
    ...(route.permission && { description: `Roles: ${permissions[route.permission].join(", ")}.` }),
    parameters: parametersOf(route.path, route.query ?? []),
    ...(route.request && { requestBody: { required: true, content: body(route.request) } }),
    responses: {
      [route.status]: { description: route.summary, content: body(route.response) },
      default: failure,
    },
    security: route.permission ? [{ bearer: [] }] : [],
  });
  const operations = Object.entries(registryRoutes).map(([operationId, route]: [string, Route]) => ({
    path: route.path,
    method: route.method,
    operation: operationOf(operationId, route),
  }));
  return {
    openapi: "3.1.0",
    info: info("Sluice registry", "Releases, their evidence and the audit record."),
    servers: [{ url: "http://127.0.0.1:4400" }],
    paths: byPath(operations),
    components: { schemas: components.toObject(), securitySchemes: bearer },
  };
};

const OpenAiBody: JsonObject = {
  type: "object",
  description: "As in OpenAI's API; it passes through, except that the bundle's artifacts are rendered into it.",
  properties: { model: { type: "string", description: "The application" } },
  required: ["model"],
};
const OpenAiError: JsonObject = {
  type: "object",
  properties: {
    error: {
      type: "object",
      properties: {
        message: { type: "string" },
        type: { type: "string" },
        code: { type: ["string", "null"] },
        param: { type: ["string", "null"] },
      },
      required: ["message", "type"],
    },
  },
  required: ["error"],
};

/** OpenAPI 3.1 of the gateway: what it adds to OpenAI's API. */
export const gatewayOpenApi = (): JsonObject => {
  const headers = Object.fromEntries(
    Object.entries(gatewayResponseHeaders).map(([name, description]) => [
      name,
      { description, schema: { type: "string" } },
    ]),
  );
  const named = Object.entries(gatewayRequestHeaders).map(([name, description]) => ({
    name,
    in: "header",
    description,
    schema: { type: "string" },
  }));
  const json = (name: string) => ({ "application/json": { schema: { $ref: `#/components/schemas/${name}` } } });
  const components = new Components("#/components/schemas/");
  const own = (schema: Schema.Top) => ({ "application/json": { schema: components.add(jsonSchemaOf(schema)) } });
  const isOpenAis = (route: GatewayRoute) => route.method === "POST" && route.own === undefined;
  const operations = Object.entries(gatewayRoutes).map(([operationId, route]: [string, GatewayRoute]) => ({
    path: route.path,
    method: route.method,
    operation: {
      operationId,
      summary: route.summary,
      ...(route.own && { requestBody: { required: true, content: own(route.own.request) } }),
      ...(isOpenAis(route) && {
        parameters: named,
        requestBody: { required: true, content: json("OpenAiBody") },
      }),
      responses: {
        200: {
          description: isOpenAis(route) ? "As in OpenAI's API, streamed where asked for" : route.summary,
          ...(isOpenAis(route) && { headers }),
          content: route.own
            ? own(route.own.response)
            : { [route.response]: {}, ...(isOpenAis(route) && { "text/event-stream": {} }) },
        },
        ...(route.keyed && { default: { description: "An error in OpenAI's form", content: json("OpenAiError") } }),
      },
      security: route.keyed ? [{ bearer: [] }, {}] : [],
    },
  }));
  return {
    openapi: "3.1.0",
    info: info("Sluice gateway", "OpenAI's API, served by the bundle of the arm that a conversation is assigned to."),
    servers: [{ url: "http://127.0.0.1:4401" }],
    paths: byPath(operations),
    components: {
      schemas: { OpenAiBody, OpenAiError, ...components.toObject() },
      securitySchemes: bearer,
    },
  };
};
