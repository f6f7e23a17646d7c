import { type Bundle, Configuration, type Policy } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import type { Exit } from "./exit.ts";
import { beside, type RulesOptions, rulesOf } from "./rules-file.ts";
import { decodeFile, readText, readYaml } from "./yaml-file.ts";

export interface Repository {
  readonly application: string;
  readonly team: string;
  readonly bundle: Bundle;
  readonly policy: Policy;
  /** Path of the eval set, as seen from here; null when none is named. */
  readonly evalSet: string | null;
}

/** Reads `sluice.yaml` and the files it names. */
export const readRepository = Effect.fn("readRepository")(function* (
  file: string,
  options: RulesOptions = {},
): Effect.fn.Return<Repository, Exit> {
  const value = yield* readYaml(file);
  const configuration = yield* decodeFile(Configuration, value, file);
  const { application, team, bundle, evalSet } = configuration;
  const { policy } = yield* rulesOf(value, file, options);
  const messages = bundle.promptFile
    ? [
        {
          role: "system" as const,
          content: yield* readText(yield* beside(file, "bundle.promptFile", bundle.promptFile)),
        },
      ]
    : (bundle.prompt ?? []);
  return {
    application,
    team,
    policy,
    evalSet: evalSet === undefined ? null : yield* beside(file, "evalSet", evalSet),
    bundle: {
      prompt: { kind: "prompt", messages },
      model: { kind: "model", parameters: {}, ...bundle.model },
      ...(bundle.retrievalIndex && { "retrieval-index": { kind: "retrieval-index", ...bundle.retrievalIndex } }),
      ...(bundle.tools && { "tool-schema": { kind: "tool-schema", tools: bundle.tools } }),
    },
  };
});
