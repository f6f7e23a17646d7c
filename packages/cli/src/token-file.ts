import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { digestOfBytes } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import { internalError } from "./exit.ts";

/** As the registry's `TokenGrant`. */
interface Grant {
  readonly tokenDigest: string;
  readonly id: string;
  readonly role: "viewer" | "ci" | "operator" | "approver" | "admin";
}

/**
 * The tokens of an embedded registry: digests in a file only its owner reads. The first start makes an admin token, which
 * is shown once and kept nowhere.
 */
export const tokenGrants = (
  directory: string,
): Effect.Effect<{ grants: Array<Grant>; created: string | null }, Error> =>
  Effect.try({
    try: () => {
      const file = join(directory, "tokens.json");
      try {
        return { grants: JSON.parse(readFileSync(file, "utf8")) as Array<Grant>, created: null };
      } catch (cause) {
        if (!(cause instanceof Error && "code" in cause && cause.code === "ENOENT")) throw cause;
      }
      const created = `sluice_${randomBytes(24).toString("base64url")}`;
      const grants: Array<Grant> = [{ tokenDigest: digestOfBytes(created), id: "admin", role: "admin" }];
      mkdirSync(directory, { recursive: true });
      writeFileSync(file, JSON.stringify(grants, null, 2), { mode: 0o600 });
      return { grants, created };
    },
    catch: (cause) =>
      internalError(
        `the tokens in ${join(directory, "tokens.json")} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      ),
  });
