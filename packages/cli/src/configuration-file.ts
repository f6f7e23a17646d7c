import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { type Bundle, Configuration, type Policy } from "@sluice/contracts";
import { defaultPolicy } from "@sluice/contracts/policy";
import * as Effect from "effect/Effect";
import { type Exit, usageError } from "./exit.ts";
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
export const readRepository = Effect.fn("readRepository")(function* (file: string): Effect.fn.Return<Repository, Exit> {
  const configuration = yield* decodeFile(Configuration, yield* readYaml(file), file);
  const { application, team, bundle, policy, evalSet } = configuration;
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
    policy: policy ?? defaultPolicy,
    evalSet: evalSet === undefined ? null : yield* beside(file, "evalSet", evalSet),
    bundle: {
      prompt: { kind: "prompt", messages },
      model: { kind: "model", parameters: {}, ...bundle.model },
      ...(bundle.retrievalIndex && { "retrieval-index": { kind: "retrieval-index", ...bundle.retrievalIndex } }),
      ...(bundle.tools && { "tool-schema": { kind: "tool-schema", tools: bundle.tools } }),
    },
  };
});

/** The files of a repository are in it: a pull request must not send others from the machine that it is checked on. */
const beside = (file: string, field: string, path: string): Effect.Effect<string, Exit> => {
  const inside = relative("/repository", resolve("/repository", path));
  return isAbsolute(path) || inside.startsWith("..")
    ? Effect.fail(usageError(`${file}: ${field} is ${path}; name a file in the directory of ${file}, or below it`))
    : Effect.succeed(join(dirname(file), path));
};
