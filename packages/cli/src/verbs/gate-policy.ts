import { Policy } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type { Exit } from "../exit.ts";
import { decodeFile, readYaml } from "../yaml-file.ts";

/** The design's rules to the letter. */
export const defaultPolicy: Policy = Schema.decodeUnknownSync(Policy)({});

/** Reads the policy of a `sluice.yaml` (its key `policy`) or of a file that is a policy; YAML, and so JSON. */
export const readPolicy = Effect.fn("readPolicy")(function* (file: string): Effect.fn.Return<Policy, Exit> {
  const { value, path } = policyIn(yield* readYaml(file));
  return yield* decodeFile(Policy, value, file, path);
});

/** What only a `sluice.yaml` has: by these a file is known as one. */
const repositoryKeys = ["policy", "application", "team", "bundle", "evalSet"];

/** The policy within the value of a file, as written, and where it stands. */
export const policyIn = (value: unknown): { readonly value: unknown; readonly path: ReadonlyArray<string> } => {
  if (value === null || value === undefined) return { value: {}, path: [] };
  if (!isRecord(value) || !Object.keys(value).some((key) => repositoryKeys.includes(key))) return { value, path: [] };
  return { value: value.policy ?? {}, path: ["policy"] };
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
