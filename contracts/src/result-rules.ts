import * as Schema from "effect/Schema";
import { withDefault } from "./with-default.ts";

const Key = Schema.NonEmptyString.check(Schema.isMaxLength(200));
const RegularExpression = Schema.String.check(
  Schema.isMaxLength(500),
  Schema.makeFilter((source) => {
    try {
      return new RegExp(source, "gu") instanceof RegExp;
    } catch {
      return "expected a regular expression";
    }
  }),
);

const sliceKeys = ["slice", "category", "topic"];
const safety = [{ key: "safety", values: [true, "true"] }];

/** How results of other tools are read: which metadata names a slice, which makes a safety case, what is not shown. */
export const ResultRules = Schema.Struct({
  sliceKeys: withDefault(
    Schema.Array(Key).check(Schema.isMaxLength(20)).annotate({
      description: "Metadata that names the slice of a case, the first that is there; dots lead into nested metadata.",
      default: sliceKeys,
    }),
    sliceKeys,
  ),
  safety: withDefault(
    Schema.Array(
      Schema.Struct({
        key: Key,
        values: Schema.Array(Schema.Union([Schema.String, Schema.Boolean, Schema.Finite])).check(Schema.isMinLength(1)),
      }),
    )
      .check(Schema.isMaxLength(20))
      .annotate({
        description: "A case is a safety case when its metadata has one of the values under the key.",
        default: safety,
      }),
    safety,
  ),
  redact: withDefault(
    Schema.Array(Schema.Struct({ pattern: RegularExpression, replacement: Schema.String }))
      .check(Schema.isMaxLength(50))
      .annotate({
        description: "Replaced in the inputs and outputs that reports show, beside keys, e-mail addresses and numbers.",
        default: [],
      }),
    [],
  ),
}).annotate({ identifier: "ResultRules" });
export type ResultRules = typeof ResultRules.Type;
