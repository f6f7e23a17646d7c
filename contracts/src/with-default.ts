import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";

/** A field that may be left out of a file or body. The default is written in its encoded form and kept when encoding. */
export const withDefault = <S extends Schema.Constraint>(schema: S, value: S["Encoded"]) =>
  Schema.withDecodingDefaultKey<S>(Effect.succeed(value))(schema);
