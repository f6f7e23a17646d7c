import * as Schema from "effect/Schema";

const maybe = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullOr(schema));

/** What the importer needs of Inspect's `EvalSample`. */
export const EvalSample = Schema.Struct({
  id: Schema.Union([Schema.String, Schema.Int]),
  input: Schema.optionalKey(Schema.Unknown),
  output: maybe(Schema.Struct({ completion: maybe(Schema.String) })),
  epoch: maybe(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))),
  scores: maybe(Schema.Record(Schema.String, Schema.Struct({ value: Schema.optionalKey(Schema.Unknown) }))),
  metadata: maybe(Schema.Record(Schema.String, Schema.Unknown)),
  error: maybe(Schema.Struct({ message: maybe(Schema.String) })),
  invalidation: maybe(Schema.Unknown),
});
export type EvalSample = typeof EvalSample.Type;

/** What the importer needs of Inspect's `EvalLog`, with or without its samples. */
export const EvalLog = Schema.Struct({
  version: Schema.Unknown,
  status: Schema.String,
  invalidated: maybe(Schema.Boolean),
  eval: Schema.Struct({ model: maybe(Schema.String) }),
  results: maybe(
    Schema.Struct({
      completed_samples: maybe(Schema.Int),
      scores: maybe(Schema.Array(Schema.Struct({ name: maybe(Schema.String), scorer: maybe(Schema.String) }))),
    }),
  ),
  samples: maybe(Schema.Array(EvalSample)),
});
export type EvalLog = typeof EvalLog.Type;
