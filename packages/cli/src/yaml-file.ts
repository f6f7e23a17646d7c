import { readFile } from "node:fs/promises";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { parseDocument } from "yaml";
import { type Exit, usageError } from "./exit.ts";

/** A configuration has a few dozen lines. */
const MAX_BYTES = 1_024 * 1_024;

/** The value of a YAML (and so JSON) file, or one sentence with file, line and fix. */
export const readYaml = Effect.fn("readYaml")(function* (file: string): Effect.fn.Return<unknown, Exit> {
  const text = yield* readText(file);
  const document = parseDocument(text, { prettyErrors: true });
  const [error] = document.errors;
  if (!error) return document.toJS({ maxAliasCount: 100 });
  const line = error.linePos?.[0].line;
  const [what = ""] = error.message.split("\n", 1);
  return yield* usageError(`${file}${line ? `, line ${line}` : ""}: not YAML: ${trimEnd(what)}; check the syntax`);
});

export const readText = Effect.fn("readText")(function* (file: string): Effect.fn.Return<string, Exit> {
  const text = yield* Effect.tryPromise({
    try: (signal) => readFile(file, { encoding: "utf8", signal }),
    catch: (cause) => usageError(`${file}: cannot be read (${codeOf(cause)}); check the path`),
  });
  if (text.length > MAX_BYTES) return yield* usageError(`${file}: is larger than 1 MiB; give the right file`);
  return text;
});

/** The value as its schema has it; else one sentence for each fault, with its place in the file and the value there. */
export const decodeFile = <A>(
  schema: Schema.Codec<A, unknown>,
  value: unknown,
  file: string,
  path: ReadonlyArray<string> = [],
): Effect.Effect<A, Exit> =>
  Effect.gen(function* () {
    const standard = Schema.toStandardSchemaV1(schema, {
      parseOptions: { onExcessProperty: "error", errors: "all" },
    });
    const outcome = yield* Effect.promise(async () => standard["~standard"].validate(value));
    if (!outcome.issues) return outcome.value;
    const sentences = outcome.issues.map((issue) => {
      const keys = (issue.path ?? []).map((part) => (typeof part === "object" ? part.key : part));
      const found = keys.reduce<unknown>(
        (inner, key) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined),
        value,
      );
      return `${file}: ${faultSentence([...path, ...keys.map(String)].join(".") || "the file", found, issue.message)}`;
    });
    return yield* usageError([...new Set(sentences)].join("\nsluice: "));
  });

const faultSentence = (where: string, found: unknown, message: string): string => {
  if (/unexpected|excess/iu.test(message)) return `${where} is no setting; remove it or correct its name`;
  const shown = JSON.stringify(found) ?? "missing";
  const value = shown.length > 60 ? `${shown.slice(0, 59)}…` : shown;
  const expected = trimEnd(message.replaceAll(/\s+/g, " "));
  return `${where} is ${value}; ${expected.charAt(0).toLowerCase()}${expected.slice(1)}`;
};

const trimEnd = (text: string) => text.replace(/[\s:.]+$/u, "");

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause ? String(cause.code) : "unknown reason";
