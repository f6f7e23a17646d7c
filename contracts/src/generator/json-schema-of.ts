import * as Schema from "effect/Schema";

export type JsonObject = { readonly [key: string]: unknown };
export interface JsonSchemaDocument {
  readonly schema: JsonObject;
  readonly definitions: { readonly [name: string]: JsonObject };
}

/**
 * JSON Schema (draft 2020-12) of a schema's encoded side. `closed` forbids fields that it does not know: right for files
 * that people write, wrong for events, which may get new fields.
 */
export const jsonSchemaOf = (schema: Schema.Top, closed = false): JsonSchemaDocument => {
  const { schema: root, definitions } = Schema.toJsonSchemaDocument(schema, {
    onExcessProperty: closed ? "error" : "ignore",
  });
  return { schema: root as JsonObject, definitions: definitions as JsonSchemaDocument["definitions"] };
};

/** Collects definitions of many documents under one roof; one name must mean one thing. */
export class Components {
  readonly #schemas = new Map<string, JsonObject>();
  readonly #place: string;

  /** `place` is where definitions live in the document, such as `#/components/schemas/`. */
  constructor(place: string) {
    this.#place = place;
  }

  add({ schema, definitions }: JsonSchemaDocument): JsonObject {
    for (const [name, definition] of Object.entries(definitions)) this.set(name, definition);
    return this.#moved(schema);
  }

  set(name: string, definition: JsonObject): void {
    const moved = this.#moved(definition);
    const present = this.#schemas.get(name);
    if (present && JSON.stringify(present) !== JSON.stringify(moved))
      throw new Error(`two schemas are called ${name}: give one of them another identifier`);
    this.#schemas.set(name, moved);
  }

  /** In the order of their names, so that the same contracts give the same bytes. */
  toObject(): JsonObject {
    return Object.fromEntries([...this.#schemas].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #moved(schema: JsonObject): JsonObject {
    return JSON.parse(JSON.stringify(schema).replaceAll('"$ref":"#/$defs/', `"$ref":"${this.#place}`));
  }
}
