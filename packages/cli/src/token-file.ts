import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { digestOfBytes } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import { type Exit, internalError } from "./exit.ts";

/** As the registry's `TokenGrant`. */
interface Grant {
  readonly tokenDigest: string;
  readonly id: string;
  readonly role: "viewer" | "ci" | "operator" | "approver" | "admin";
}

export interface Tokens {
  readonly grants: ReadonlyArray<Grant>;
  /** The admin token of a first start; null afterwards. */
  readonly created: string | null;
  /** Writes the grants down. Only once the start has succeeded: a token that was never shown would lock everybody out. */
  readonly keep: Effect.Effect<void, Exit>;
}

/**
 * The tokens of an embedded registry: digests in a file only its owner reads. The first start makes an admin token, which
 * is shown once and kept nowhere.
 */
export const readTokens = (directory: string): Effect.Effect<Tokens, Exit> => {
  const file = join(directory, "tokens.json");
  const failed = (what: string) => (cause: unknown) =>
    internalError(`the tokens in ${file} cannot be ${what}: ${cause instanceof Error ? cause.message : String(cause)}`);
  return Effect.try({ try: () => readGrants(file), catch: failed("read") }).pipe(
    Effect.map((grants): Tokens => {
      if (grants) return { grants, created: null, keep: Effect.void };
      const created = `sluice_${randomBytes(24).toString("base64url")}`;
      const first: ReadonlyArray<Grant> = [{ tokenDigest: digestOfBytes(created), id: "admin", role: "admin" }];
      const keep = Effect.try({
        try: () => writeFileSync(file, JSON.stringify(first, null, 2), { mode: 0o600 }),
        catch: failed("written"),
      });
      return { grants: first, created, keep };
    }),
  );
};

const readGrants = (file: string): ReadonlyArray<Grant> | null => {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return null;
    throw cause;
  }
};
