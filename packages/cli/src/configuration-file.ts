import { dirname, join } from "node:path";
import { type Bundle, Configuration, type Policy } from "@sluice/contracts";
import { Policy as PolicySchema } from "@sluice/contracts/policy";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type { Exit } from "./exit.ts";
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
  const beside = (path: string) => join(dirname(file), path);
  const messages = bundle.promptFile
    ? [{ role: "system" as const, content: yield* readText(beside(bundle.promptFile)) }]
    : (bundle.prompt ?? []);
  return {
    application,
    team,
    policy: policy ?? Schema.decodeUnknownSync(PolicySchema)({}),
    evalSet: evalSet === undefined ? null : beside(evalSet),
    bundle: {
      prompt: { kind: "prompt", messages },
      model: { kind: "model", parameters: {}, ...bundle.model },
      ...(bundle.retrievalIndex && { "retrieval-index": { kind: "retrieval-index", ...bundle.retrievalIndex } }),
      ...(bundle.tools && { "tool-schema": { kind: "tool-schema", tools: bundle.tools } }),
    },
  };
});
