import { ReleasePassport } from "@sluice/contracts";
import { verifyPassport } from "@sluice/passport";
import { readVerifierKey } from "@sluice/transparency";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { Exit, exitCodes } from "../exit.ts";
import { callRegistry, type RegistryAddress } from "../registry-client.ts";
import { decisionsOf } from "../verbs/audit-replay.ts";
import { readRegistry } from "../verbs/release-read.ts";

export interface Proofs {
  /** Passports that hold, of how many releases. */
  readonly passports: { readonly releases: number; readonly hold: number };
  /** Decisions that come out the same from the record, to the byte. */
  readonly replay: { readonly decisions: number; readonly same: number };
}

/** What an auditor would do with the record that the demo leaves. */
export const proofsOf = Effect.fnUntraced(function* (
  address: RegistryAddress,
  applications: ReadonlyArray<string>,
  releases: ReadonlyArray<string>,
): Effect.fn.Return<Proofs, Exit> {
  const key = readVerifierKey(String(yield* callRegistry(address, { method: "GET", path: "/v1/audit/key" })));
  if (Result.isFailure(key)) return yield* new Exit({ code: exitCodes.internal, sentence: `the key ${key.failure}` });
  let hold = 0;
  for (const release of releases) {
    const passport = yield* readRegistry(address, `/v1/audit/releases/${release}/passport`, ReleasePassport);
    const verified = verifyPassport(passport, key.success);
    if (Result.isSuccess(verified) && verified.success.faults.length === 0) hold += 1;
  }
  const decisions = (yield* Effect.forEach(applications, (application) =>
    decisionsOf(address, application, null),
  )).flat();
  return {
    passports: { releases: releases.length, hold },
    replay: { decisions: decisions.length, same: decisions.filter(({ same }) => same).length },
  };
});
