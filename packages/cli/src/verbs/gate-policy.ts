import { readFile } from "node:fs/promises";
import { Policy } from "@sluice/contracts/policy";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { parseDocument } from "yaml";
import { type Exit, usageError } from "../exit.ts";

/** The design's rules to the letter. */
export const defaultPolicy: Policy = Schema.decodeUnknownSync(Policy)({});

const MAX_BYTES = 1_024 * 1_024;

/** Reads the policy of a `sluice.yaml` (its key `policy`) or of a file that is a policy; YAML, and so JSON. */
export const readPolicy = Effect.fn("readPolicy")(function* (file: string): Effect.fn.Return<Policy, Exit> {
  const text = yield* Effect.tryPromise({
    try: (signal) => readFile(file, { encoding: "utf8", signal }),
    catch: (cause) => usageError(`${file}: the policy cannot be read (${codeOf(cause)}); check the path`),
  });
  if (text.length > MAX_BYTES)
    return yield* usageError(`${file}: the policy is larger than 1 MiB; a policy has a few dozen lines`);
  const document = parseDocument(text, { prettyErrors: true });
  const [error] = document.errors;
  if (error) {
    const line = error.linePos?.[0].line;
    const [what] = error.message.split("\n", 1);
    return yield* usageError(
      `${file}${line ? `, line ${line}` : ""}: not YAML: ${trimEnd(what ?? "")}; check the syntax`,
    );
  }
  const value: unknown = document.toJS({ maxAliasCount: 100 });
  const faults = yield* policyFaults(policyIn(value));
  if (faults._tag === "Policy") return faults.policy;
  return yield* usageError(faults.sentences.map((sentence) => `${file}: ${sentence}`).join("\nsluice: "));
});

const trimEnd = (text: string) => text.replace(/[\s:.]+$/u, "");

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause ? String(cause.code) : "unknown reason";

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The rest of a `sluice.yaml`, which other verbs read. */
const repositoryKeys = ["policy", "application", "bundle", "evalSet", "eval", "apiVersion", "kind"];

const policyIn = (value: unknown): { readonly value: unknown; readonly path: string } => {
  if (value === null || value === undefined) return { value: {}, path: "" };
  if (!isRecord(value) || !Object.keys(value).some((key) => repositoryKeys.includes(key))) return { value, path: "" };
  return { value: value.policy ?? {}, path: "policy" };
};

type Outcome =
  | { readonly _tag: "Policy"; readonly policy: Policy }
  | { readonly _tag: "Faults"; readonly sentences: ReadonlyArray<string> };

const decoder = Schema.toStandardSchemaV1(Policy, {
  parseOptions: { onExcessProperty: "error", errors: "all" },
});

const policyFaults = Effect.fnUntraced(function* ({ value, path }: { readonly value: unknown; readonly path: string }) {
  const outcome = yield* Effect.promise(async () => decoder["~standard"].validate(value));
  if (!outcome.issues) return { _tag: "Policy", policy: outcome.value } satisfies Outcome;
  const sentences = outcome.issues.map((issue) => {
    const keys = (issue.path ?? []).map((part) => (typeof part === "object" ? part.key : part));
    const found = keys.reduce<unknown>(
      (inner, key) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined),
      value,
    );
    const where = [path, ...keys.map(String)].filter((part) => part !== "").join(".") || "the policy";
    return faultSentence(where, found, issue.message);
  });
  return { _tag: "Faults", sentences: [...new Set(sentences)] } satisfies Outcome;
});

const faultSentence = (where: string, found: unknown, message: string): string => {
  const shown = JSON.stringify(found) ?? "missing";
  const value = shown.length > 60 ? `${shown.slice(0, 59)}…` : shown;
  if (/unexpected|excess/iu.test(message)) return `${where} is no setting of a policy; remove it or correct its name`;
  return `${where} is ${value}; ${lowerFirst(trimEnd(message.replaceAll(/\s+/g, " ")))}`;
};

const lowerFirst = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);
