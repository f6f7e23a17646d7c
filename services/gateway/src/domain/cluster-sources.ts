import type { ClusterSources } from "@sluice/assignment";
import { isJsonObject, type JsonObject } from "./endpoint.ts";

export type Headers = { readonly [name: string]: string | ReadonlyArray<string> | undefined };

/** Where a request names its conversation and its user: lower-case headers first, then dotted fields of the body. */
export interface ClusterNames {
  readonly conversationHeaders: ReadonlyArray<string>;
  readonly conversationFields: ReadonlyArray<string>;
  readonly userHeaders: ReadonlyArray<string>;
  readonly userFields: ReadonlyArray<string>;
}

type Lookup = (headers: Headers, body: JsonObject) => string | undefined;

const lookupOf = (headerNames: ReadonlyArray<string>, fields: ReadonlyArray<string>): Lookup => {
  const paths = fields.map((field) => field.split("."));
  return (headers, body) => {
    for (const name of headerNames) {
      const value = headers[name];
      if (typeof value === "string" && value !== "") return value;
    }
    for (const path of paths) {
      const value = fieldAt(body, path);
      if (value !== undefined) return value;
    }
    return undefined;
  };
};

const fieldAt = (body: JsonObject, path: ReadonlyArray<string>): string | undefined => {
  let value: unknown = body;
  for (const name of path) {
    if (!isJsonObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  if (typeof value === "number") return String(value);
  return typeof value === "string" && value !== "" ? value : undefined;
};

export type ClusterSourcesReader = (headers: Headers, body: JsonObject, request: string) => ClusterSources;

/** Prepared once: it runs for every request. */
export const clusterSourcesReader = (names: ClusterNames): ClusterSourcesReader => {
  const conversation = lookupOf(names.conversationHeaders, names.conversationFields);
  const user = lookupOf(names.userHeaders, names.userFields);
  return (headers, body, request) => ({
    conversation: conversation(headers, body),
    user: user(headers, body),
    request,
  });
};
