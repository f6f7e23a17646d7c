import { Ajv2020 } from "ajv/dist/2020.js";
import * as Result from "effect/Result";
import { linearPattern } from "./linear-pattern.ts";

/** Schemas come from others: their patterns are matched in linear time, as everywhere. */
const regExp = Object.assign(
  (pattern: string) => {
    const compiled = linearPattern(pattern);
    if (Result.isFailure(compiled)) throw new SyntaxError(compiled.failure);
    // Ajv keeps patterns by their text.
    return { test: compiled.success, toString: () => pattern };
  },
  { code: "" },
);

/** Whether an output is one JSON value of the schema (draft 2020-12). Fails with what is wrong with the schema. */
export const schemaCheck = (schema: object): Result.Result<(output: string) => boolean, string> => {
  try {
    // One for each schema: two cases may use the same $id.
    const valid = new Ajv2020({ strict: false, code: { regExp }, logger: false }).compile(schema);
    return Result.succeed((output) => {
      const parsed = Result.try(() => JSON.parse(output) as unknown);
      return Result.isSuccess(parsed) && valid(parsed.success) === true;
    });
  } catch (cause) {
    return Result.fail(
      `json-schema has no valid JSON Schema (${cause instanceof Error ? cause.message : String(cause)}); correct it`,
    );
  }
};
