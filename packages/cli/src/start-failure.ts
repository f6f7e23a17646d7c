import { type Exit, internalError, usageError } from "./exit.ts";

/** What the person who started it can mend by starting it otherwise: a port or a directory in use, a missing key. */
const mendable: ReadonlySet<string> = new Set(["DatabaseError", "ListenError", "GatewayStartError"]);

export const startFailure = (failure: { readonly _tag: string; readonly message: string }): Exit =>
  mendable.has(failure._tag) ? usageError(failure.message) : internalError(failure.message);
