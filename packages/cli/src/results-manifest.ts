import { existsSync } from "node:fs";
import { stat, writeFile } from "node:fs/promises";
import { ResultsManifest, readableFault, timestampOf } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { Exit, exitCodes, usageError } from "./exit.ts";
import { MAX_SETTINGS_BYTES, readUtf8 } from "./file-content.ts";

/** Where the manifest of a file of case results is. */
export const manifestFileOf = (results: string): string => `${results}.manifest.json`;

export const writeManifest = (results: string, manifest: ResultsManifest): Effect.Effect<void, Exit> =>
  Effect.tryPromise({
    try: () => writeFile(manifestFileOf(results), `${JSON.stringify(manifest, null, 2)}\n`),
    catch: (cause) => usageError(`${manifestFileOf(results)} cannot be written (${codeOf(cause)})`),
  });

/** Null where there is none; one that cannot be read as a manifest is an error, not an absence. */
export const readManifest = (results: string): Effect.Effect<ResultsManifest | null, Exit> =>
  Effect.gen(function* () {
    const file = manifestFileOf(results);
    if (!existsSync(file)) return null;
    const text = yield* readUtf8(file, { maxBytes: MAX_SETTINGS_BYTES });
    return yield* Effect.mapError(
      Schema.decodeUnknownEffect(Schema.fromJsonString(ResultsManifest))(text),
      (error) =>
        new Exit({
          code: exitCodes.invalid,
          sentence: `${file} is no manifest of results: ${readableFault(error.message)}; run the evaluation again, or remove it and give --attest`,
        }),
    );
  });

/** When a file of results was last written: the best that is known of results without a manifest. */
export const writtenAt = (results: string): Effect.Effect<string, Exit> =>
  Effect.tryPromise({
    try: async () => timestampOf((await stat(results)).mtimeMs),
    catch: (cause) => usageError(`${results}: cannot be read (${codeOf(cause)}); check the path`),
  });

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause ? String(cause.code) : "unknown reason";
