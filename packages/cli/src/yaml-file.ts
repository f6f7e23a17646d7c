import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { parseDocument } from "yaml";
import { type Exit, usageError } from "./exit.ts";
import { MAX_SETTINGS_BYTES, readUtf8 } from "./file-content.ts";

/** The value of a YAML (and so JSON) file, or one sentence with file, line and fix. */
export const readYaml = Effect.fn("readYaml")(function* (file: string): Effect.fn.Return<unknown, Exit> {
  const text = yield* readText(file);
  const document = parseDocument(text, { prettyErrors: true });
  const [error] = document.errors;
  if (!error)
    return yield* Effect.try({
      try: (): unknown => document.toJS({ maxAliasCount: 100 }),
      catch: () => usageError(`${file}: its aliases unfold to far more than a configuration holds; write it out`),
    });
  const line = error.linePos?.[0].line;
  const [what = ""] = error.message.split("\n", 1);
  return yield* usageError(`${file}${line ? `, line ${line}` : ""}: not YAML: ${trimEnd(what)}; check the syntax`);
});

/** Text of a file as small as a configuration. */
export const readText = (file: string): Effect.Effect<string, Exit> => readUtf8(file, { maxBytes: MAX_SETTINGS_BYTES });

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
    if (typeof value !== "object" || value === null || Array.isArray(value))
      return yield* usageError(
        `${[`${file}:`, ...path].join(" ")} holds no settings; write each as name: value, and {} for the defaults`,
      );
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
