import * as Schema from "effect/Schema";

const maybe = <S extends Schema.Constraint>(schema: S) => Schema.optional(Schema.NullOr(schema));
const Fields = Schema.Record(Schema.String, Schema.Unknown);
const Index = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));

/** What the importer needs of promptfoo's `TestCase`, `EvaluateResult`, `EvaluateTable` and `OutputFile`. */
const TestCase = Schema.Struct({
  description: maybe(Schema.String),
  vars: maybe(Fields),
  assert: maybe(Schema.Unknown),
  metadata: maybe(Fields),
});

export const Prompt = Schema.Struct({
  provider: maybe(Schema.String),
  label: maybe(Schema.String),
  raw: maybe(Schema.String),
});
export type Prompt = typeof Prompt.Type;

export const EvaluateResult = Schema.Struct({
  promptIdx: Schema.optionalKey(Index),
  testIdx: Schema.optionalKey(Index),
  success: Schema.Boolean,
  score: maybe(Schema.Finite),
  failureReason: maybe(Schema.Int),
  error: maybe(Schema.String),
  provider: maybe(
    Schema.Union([Schema.String, Schema.Struct({ id: maybe(Schema.String), label: maybe(Schema.String) })]),
  ),
  prompt: maybe(Schema.Struct({ label: maybe(Schema.String), raw: maybe(Schema.String) })),
  response: maybe(
    Schema.Struct({ output: maybe(Schema.Unknown), cached: maybe(Schema.Boolean), error: maybe(Schema.Unknown) }),
  ),
  gradingResult: maybe(Schema.Unknown),
  testCase: maybe(TestCase),
  vars: maybe(Fields),
  metadata: maybe(Fields),
});
export type EvaluateResult = typeof EvaluateResult.Type;

const TableOutput = Schema.Struct({
  pass: Schema.Boolean,
  text: maybe(Schema.String),
  score: maybe(Schema.Finite),
  failureReason: maybe(Schema.Int),
  error: maybe(Schema.String),
  gradingResult: maybe(Schema.Unknown),
});

export const OutputFile = Schema.Struct({
  results: Schema.Struct({
    version: Schema.optionalKey(Schema.Unknown),
    prompts: Schema.optionalKey(Schema.Array(Prompt)),
    table: Schema.optionalKey(
      Schema.Struct({
        head: Schema.Struct({ prompts: Schema.Array(Prompt) }),
        body: Schema.Array(Schema.Struct({ outputs: Schema.Array(TableOutput), test: maybe(TestCase) })),
      }),
    ),
    results: Schema.Array(EvaluateResult),
  }),
});
