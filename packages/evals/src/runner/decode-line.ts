import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { showValue } from "../readers/case-file-error.ts";

/** The value as its schema has it; else what is wrong with it: the place within it, the value there and what is expected. */
export const decodeLine = <A>(schema: Schema.Codec<A, unknown>): ((value: unknown) => Result.Result<A, string>) => {
  const options = { onExcessProperty: "error" } as const;
  const decode = Schema.decodeUnknownResult(schema, options);
  const standard = Schema.toStandardSchemaV1(schema, { parseOptions: options });
  return (value) => {
    const decoded = decode(value);
    if (Result.isSuccess(decoded)) return Result.succeed(decoded.success);
    const outcome = standard["~standard"].validate(value);
    const issue = outcome instanceof Promise || !outcome.issues ? undefined : outcome.issues[0];
    const keys = (issue?.path ?? []).map((part) => (typeof part === "object" ? part.key : part));
    const found = keys.reduce<unknown>(
      (inner, key) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined),
      value,
    );
    const where = keys.map(String).join(".");
    const message = (issue?.message ?? decoded.failure.message).replaceAll(/\s+/gu, " ").replace(/[\s:.]+$/u, "");
    if (/unexpected|excess/iu.test(message)) return Result.fail(`${where} is no field; remove it or correct its name`);
    if (where === "") return Result.fail(`${showValue(value)} is no such object; ${lowered(message)}`);
    return Result.fail(`${where} is ${found === undefined ? "missing" : showValue(found)}; ${lowered(message)}`);
  };
};

const lowered = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
