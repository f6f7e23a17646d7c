import * as Schema from "effect/Schema";
import { PromptMessage } from "./artifact.ts";
import { NonNegative, PositiveCount, Ratio } from "./primitives.ts";

const Json = Schema.Json;
const Name = Schema.NonEmptyString.check(Schema.isMaxLength(1_000));
const flag = (description: string) => Schema.optionalKey(Schema.Boolean.annotate({ description }));

/** How one output is scored. A scorer that cannot decide is an error of the case, never a score. */
export const EvalScorer = Schema.Union([
  Schema.Struct({
    kind: Schema.Literal("exact"),
    /** A string is compared with the trimmed output; any other value with the output's JSON. Default: `expected`. */
    value: Schema.optionalKey(Json),
    ignore_case: flag("Upper and lower case are the same."),
  }),
  Schema.Struct({
    kind: Schema.Literal("contains"),
    value: Schema.optionalKey(Schema.NonEmptyString),
    ignore_case: flag("Upper and lower case are the same."),
  }),
  Schema.Struct({ kind: Schema.Literal("regex"), pattern: Schema.NonEmptyString.check(Schema.isMaxLength(2_000)) }),
  Schema.Struct({ kind: Schema.Literal("json-schema"), schema: Schema.Record(Schema.String, Json) }),
  Schema.Struct({
    kind: Schema.Literal("numeric"),
    value: Schema.optionalKey(Schema.Finite),
    /** Where the number stands in a JSON output, with dots; without it the output's last number counts. */
    field: Schema.optionalKey(Name),
    absolute: Schema.optionalKey(NonNegative),
    relative: Schema.optionalKey(NonNegative),
  }),
  Schema.Struct({ kind: Schema.Literal("refusal"), refused: flag("False where the output must not refuse.") }),
  Schema.Struct({
    kind: Schema.Literal("judge"),
    rubric: Schema.NonEmptyString.check(Schema.isMaxLength(20_000)),
    /** The upstream and model that judge; those of the policy's model judge when left out. */
    provider: Schema.optionalKey(Schema.NonEmptyString),
    model: Schema.optionalKey(Schema.NonEmptyString),
    pass_at: Schema.optionalKey(Ratio),
    timeout_ms: Schema.optionalKey(PositiveCount),
  }),
]).annotate({ identifier: "EvalScorer" });
export type EvalScorer = typeof EvalScorer.Type;

/** A scorer that needs nothing but the case's `expected` may be given by its name. */
const ScorerOrName = Schema.Union([Schema.Literals(["exact", "contains", "numeric", "refusal"]), EvalScorer]);
const Scorers = Schema.Array(ScorerOrName).check(Schema.isMinLength(1), Schema.isMaxLength(16));

/** One line of an eval set. Snake case: a file format for CI, as the case results. */
export const EvalCase = Schema.Struct({
  case_id: Name,
  slice: Schema.optionalKey(Schema.NonEmptyString),
  safety: Schema.optionalKey(Schema.Boolean),
  /** What the user says; or the whole conversation in `messages`. */
  input: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(262_144))),
  messages: Schema.optionalKey(Schema.Array(PromptMessage).check(Schema.isMinLength(1), Schema.isMaxLength(1_000))),
  /** Fills the prompt's `{{name}}`, as a request's metadata does. */
  metadata: Schema.optionalKey(Schema.Record(Schema.String, Json)),
  expected: Schema.optionalKey(Json),
  scorer: Schema.optionalKey(ScorerOrName),
  scorers: Schema.optionalKey(Scorers),
})
  .check(
    Schema.makeFilter(
      ({ input, messages }) => (input === undefined) !== (messages === undefined) || "either input or messages",
    ),
    Schema.makeFilter(
      ({ scorer, scorers }) => scorer === undefined || scorers === undefined || "either scorer or scorers",
    ),
  )
  .annotate({ identifier: "EvalCase" });
export type EvalCase = typeof EvalCase.Type;

/** An eval set as one YAML (or JSON) document: scorers for the cases that name none, and the cases. */
export const EvalSetDocument = Schema.Struct({
  scorers: Schema.optionalKey(Scorers),
  cases: Schema.Array(EvalCase).check(Schema.isMinLength(1)),
}).annotate({ identifier: "EvalSetDocument" });
export type EvalSetDocument = typeof EvalSetDocument.Type;
