import { defaultPolicy, Policy } from "@sluice/contracts/policy";
import { ResultRules } from "@sluice/contracts/result-rules";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { type Exit, usageError } from "../exit.ts";
import { decodeFile, readYaml } from "../yaml-file.ts";

/** What the gate follows: rules of the verdict, and rules of reading results. */
export interface GateRules {
  readonly policy: Policy;
  readonly results: ResultRules;
}

/** The design's rules to the letter. */
export const defaultRules: GateRules = {
  policy: defaultPolicy,
  results: Schema.decodeUnknownSync(ResultRules)({}),
};

/** Reads the rules of a `sluice.yaml` (its keys `policy` and `results`) or of a file that is a policy; YAML, and so JSON. */
export const readRules = Effect.fn("readRules")(function* (file: string): Effect.fn.Return<GateRules, Exit> {
  const value = yield* readYaml(file);
  const { value: policy, path } = policyIn(value);
  // A misspelt `policy` must not silently give the defaults.
  const stranger =
    path.length > 0 && isRecord(value) ? Object.keys(value).find((key) => !settings.has(key)) : undefined;
  if (stranger !== undefined)
    return yield* usageError(`${file}: ${stranger} is no setting; remove it or correct its name`);
  const results = path.length > 0 && isRecord(value) ? (value.results ?? {}) : {};
  return {
    policy: yield* decodeFile(Policy, policy, file, path),
    results: yield* decodeFile(ResultRules, results, file, ["results"]),
  };
});

export const readPolicy = (file: string): Effect.Effect<Policy, Exit> =>
  Effect.map(readRules(file), ({ policy }) => policy);

/** What only a `sluice.yaml` has: by these a file is known as one. */
const repositoryKeys = ["policy", "results", "application", "team", "bundle", "evalSet"];
const settings: ReadonlySet<string> = new Set(["version", ...repositoryKeys]);

/** The policy within the value of a file, as written, and where it stands. */
export const policyIn = (value: unknown): { readonly value: unknown; readonly path: ReadonlyArray<string> } => {
  if (value === null || value === undefined) return { value: {}, path: [] };
  if (!isRecord(value) || !Object.keys(value).some((key) => repositoryKeys.includes(key))) return { value, path: [] };
  return { value: value.policy ?? {}, path: ["policy"] };
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
