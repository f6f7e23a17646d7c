import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { withDefault } from "./with-default.ts";

/** A field with its default and its description, both of which the published JSON Schema shows to an editor. */
export const setting = <S extends Schema.Top>(schema: S, value: S["Encoded"], description: string) =>
  // An annotation changes neither side of a schema; the library's type cannot say so for a generic one.
  withDefault(schema.annotate({ description, default: value } as Parameters<S["annotate"]>[0]) as S, value);

/** A struct that may be left out: every field of it has a default. */
export const group = <const Fields extends Schema.Struct.Fields>(description: string, fields: Fields) => {
  const struct = Schema.Struct(fields).annotate({ description });
  return struct.pipe(Schema.withDecodingDefaultKey<typeof struct>(Effect.succeed({} as (typeof struct)["Encoded"])));
};
