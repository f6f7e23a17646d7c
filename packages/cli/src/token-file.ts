import { existsSync } from "node:fs";
import { join } from "node:path";
import { Digest, Role } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type { Exit } from "./exit.ts";
import { readJson } from "./settings-file.ts";

/** As the registry's `TokenGrant`; what else it may hold is the registry's to check. */
const Grants = Schema.Array(Schema.Struct({ tokenDigest: Digest, id: Schema.String, role: Role }));
type Grants = typeof Grants.Type;

/**
 * Tokens of an embedded registry that are in no database: digests in `tokens.json` in its data directory, if it is there.
 * Who has lost every admin token writes a new one's digest into it.
 */
export const readTokens = (directory: string): Effect.Effect<Grants, Exit> => {
  const file = join(directory, "tokens.json");
  return existsSync(file) ? readJson(file, Grants, file) : Effect.succeed([]);
};
