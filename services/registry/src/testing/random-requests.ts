/** Requests made from an OpenAPI document: half of them nearly right, because what is refused at the door tests the door alone. */

type Json = null | boolean | number | string | ReadonlyArray<Json> | { readonly [key: string]: Json };
interface Schema {
  readonly $ref?: string;
  readonly type?: string | ReadonlyArray<string>;
  readonly enum?: ReadonlyArray<Json>;
  readonly const?: Json;
  readonly anyOf?: ReadonlyArray<Schema>;
  readonly oneOf?: ReadonlyArray<Schema>;
  readonly allOf?: ReadonlyArray<Schema>;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: ReadonlyArray<string>;
  readonly items?: Schema;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
}
interface Parameter {
  readonly name: string;
  readonly in: "path" | "query";
}
export interface Operation {
  readonly operationId: string;
  readonly parameters: ReadonlyArray<Parameter>;
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema?: Schema }>> };
}
export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

export interface RandomRequest {
  readonly operationId: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** Numbers in [0, 1) that follow from the seed (mulberry32). */
export const randomOf = (seed: number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
};

const hostileTexts: ReadonlyArray<string> = [
  "",
  " ",
  "\u0000",
  "\u001b[2J",
  "\ud800",
  "../../etc/passwd",
  "%00",
  "%zz",
  "__proto__",
  "constructor",
  "toString",
  "'; DROP TABLE audit_events; --",
  "{{7*7}}",
  "<script>alert(1)</script>",
  "٣",
  "a".repeat(199),
  "a".repeat(5_000),
  "9007199254740993",
  "-1",
  "1e400",
  "NaN",
  "null",
  "2026-13-45T99:99:99.999Z",
  "sha256:zz",
];
const hostileValues: ReadonlyArray<Json> = [
  null,
  true,
  0,
  -1,
  1e308,
  0.1,
  2 ** 53,
  [],
  {},
  [[[[[[]]]]]],
  { __proto__x: 1 },
  Array.from({ length: 300 }, (_, n) => n),
  ...hostileTexts,
];

/** What is really there, by the name of the parameter or field. */
export type Known = Readonly<Record<string, ReadonlyArray<Json>>>;

export const requestMaker = (document: OpenApi, known: Known, tokens: ReadonlyArray<string>, random: () => number) => {
  const pick = <A>(items: ReadonlyArray<A>): A => items[Math.floor(random() * items.length)] as A;
  const chance = (p: number) => random() < p;
  const text = (name: string): string => (chance(0.6) && known[name] ? String(pick(known[name])) : pick(hostileTexts));

  const resolve = (schema: Schema): Schema => {
    const name = schema.$ref?.split("/").at(-1);
    return name === undefined ? schema : resolve(document.components.schemas[name] ?? {});
  };
  const valueFor = (given: Schema, name: string, depth: number): Json => {
    if (chance(0.04)) return pick(hostileValues);
    if (known[name] && chance(0.8)) return pick(known[name]);
    const schema = resolve(given);
    if (schema.const !== undefined) return schema.const;
    if (schema.enum) return pick(schema.enum);
    const union = schema.anyOf ?? schema.oneOf;
    if (union) return valueFor(pick(union), name, depth + 1);
    if (schema.allOf?.[0] && !schema.type) return valueFor(schema.allOf[0], name, depth + 1);
    const type = typeof schema.type === "string" ? schema.type : schema.type?.[0];
    if (type === "object" || schema.properties) {
      if (depth > 8) return {};
      const fields = Object.entries(schema.properties ?? {}).filter(
        ([field]) => (schema.required?.includes(field) && chance(0.97)) || chance(0.3),
      );
      const made = Object.fromEntries(fields.map(([field, of]) => [field, valueFor(of, field, depth + 1)]));
      return chance(0.03) ? { ...made, [pick(hostileTexts)]: pick(hostileValues) } : made;
    }
    if (type === "array")
      return Array.from({ length: Math.floor(random() * 3) }, () => valueFor(schema.items ?? {}, name, depth + 1));
    if (type === "number" || type === "integer") {
      const value = (schema.minimum ?? 0) + random() * Math.min((schema.maximum ?? 100) - (schema.minimum ?? 0), 1_000);
      return type === "integer" ? Math.floor(value) : value;
    }
    if (type === "boolean") return chance(0.5);
    if (type === "null") return null;
    return text(name);
  };

  const bodyOf = (operation: Operation): { readonly type: string; readonly body: string } | undefined => {
    const [type, content] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
    if (type === undefined) return chance(0.05) ? { type: "application/json", body: "{}" } : undefined;
    if (chance(0.05))
      return { type: pick(["text/html", "application/xml", "application/json", "", "x"]), body: pick(hostileTexts) };
    if (type === "text/plain")
      return { type, body: chance(0.7) && known.query ? String(pick(known.query)) : pick(hostileTexts) };
    if (type === "application/octet-stream")
      return chance(0.5)
        ? { type, body: pick(hostileTexts) }
        : {
            type: "application/json",
            body: JSON.stringify(chance(0.5) ? pick(known.artifact ?? [{}]) : pick(hostileValues)),
          };
    const body = JSON.stringify(valueFor(content?.schema ?? {}, operation.operationId, 0));
    return { type, body: chance(0.03) ? body.slice(0, Math.floor(random() * body.length)) : body };
  };

  return (path: string, method: string, operation: Operation): RandomRequest => {
    const named = path.replaceAll(/\{(\w+)\}/gu, (_, name: string) => {
      const value = text(name);
      return chance(0.9)
        ? encodeURIComponent(value.replaceAll(/[\ud800-\udfff]/gu, ""))
        : value.replaceAll(/[^\x21-\x7e]/gu, "");
    });
    const query = operation.parameters
      .filter((parameter) => parameter.in === "query" && chance(0.5))
      .map(({ name }) => `${name}=${encodeURIComponent(text(name).replaceAll(/[\ud800-\udfff]/gu, ""))}`);
    const sent = bodyOf(operation);
    return {
      operationId: operation.operationId,
      method: method.toUpperCase(),
      path: `${named}${query.length > 0 ? `?${query.join("&")}` : ""}`,
      headers: {
        ...(chance(0.96) && { authorization: `Bearer ${pick(tokens)}` }),
        ...(sent && sent.type !== "" && { "content-type": sent.type }),
        ...(chance(0.2) && { "idempotency-key": pick(["same", "other", "x".repeat(300), " "]) }),
        ...(chance(0.1) && { "if-none-match": pick(["*", '"x"', "W/", ","]) }),
        ...(chance(0.1) && { "last-event-id": pick(["0", "1", "x", "-1", "99999999999999999999"]) }),
      },
      body: sent?.body,
    };
  };
};
