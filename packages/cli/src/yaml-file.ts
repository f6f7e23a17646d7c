import { createReadStream } from "node:fs";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { parseDocument } from "yaml";
import { type Exit, usageError } from "./exit.ts";
import { refuseNamedPipe } from "./named-pipe.ts";

/** A configuration has a few dozen lines. */
const MAX_BYTES = 1_024 * 1_024;

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

export const readText = Effect.fn("readText")(function* (file: string): Effect.fn.Return<string, Exit> {
  yield* refuseNamedPipe(file);
  const bytes = yield* Effect.tryPromise({
    try: (signal) => readBounded(file, signal),
    catch: (cause) => usageError(`${file}: cannot be read (${codeOf(cause)}); check the path`),
  });
  if (bytes.length > MAX_BYTES) return yield* usageError(`${file}: is larger than 1 MiB; give the right file`);
  return yield* Effect.try({
    try: () => new TextDecoder("utf-8", { fatal: true }).decode(bytes),
    catch: () => usageError(`${file}: is not UTF-8 text; give the right file, or save it as UTF-8`),
  });
});

/** One byte more than allowed is enough to know: a device or a huge file is never read whole. */
const readBounded = async (file: string, signal: AbortSignal): Promise<Buffer> => {
  const chunks: Array<Buffer> = [];
  for await (const chunk of createReadStream(file, { end: MAX_BYTES, signal })) chunks.push(chunk);
  return Buffer.concat(chunks);
};

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

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause ? String(cause.code) : "unknown reason";
