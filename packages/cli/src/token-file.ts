import { existsSync } from "node:fs";
import { join } from "node:path";
import { TokenGrant } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type { Exit } from "./exit.ts";
import { readJson } from "./settings-file.ts";

/**
 * Tokens of an embedded registry that are in no database: digests in `tokens.json` in its data directory, if it is there.
 * Who has lost every admin token writes a new one's digest into it.
 */
export const readTokens = (directory: string): Effect.Effect<ReadonlyArray<TokenGrant>, Exit> => {
  const file = join(directory, "tokens.json");
  return existsSync(file) ? readJson(file, Schema.Array(TokenGrant), file) : Effect.succeed([]);
};
