import { existsSync } from "node:fs";
import type { GateReport, Policy } from "@sluice/contracts";
import {
  type ArmSource,
  type CaseFileError,
  type CaseFormat,
  type CaseTable,
  evaluateGate,
  fileSource,
  invalidGateReport,
  readCaseTable,
} from "@sluice/evals";
import * as Effect from "effect/Effect";
import { type Exit, usageError } from "../exit.ts";
import type { GateInput } from "./gate-input.ts";
import { defaultPolicy, readPolicy } from "./gate-policy.ts";

/** What there is to report on. The table is null when the files hold no evidence. */
export interface Judged {
  readonly report: GateReport;
  readonly policy: Policy["offline"];
  readonly table: CaseTable | null;
}

/**
 * Reads the files and evaluates them. Files that cannot be read or decoded end with exit code 2; files that are well-formed
 * and hold no evidence (no cases, an arm that is not there) give an `invalid` report.
 */
export const judgeFiles = Effect.fn("judgeFiles")(function* (
  input: GateInput,
  format: CaseFormat | "auto",
  policyFile: string | undefined,
): Effect.fn.Return<Judged, Exit> {
  const policy = (policyFile === undefined ? defaultPolicy : yield* readPolicy(policyFile)).offline;
  const source =
    "pairs" in input
      ? { pairs: fileSource(input.pairs) }
      : { baseline: armSource(input.baseline), candidate: armSource(input.candidate) };
  return yield* readCaseTable(source, { format }).pipe(
    Effect.map((table): Judged => ({ report: evaluateGate(table, policy), policy, table })),
    Effect.catchTag(
      "CaseFileError",
      (error: CaseFileError): Effect.Effect<Judged, Exit> =>
        error.kind === "unusable"
          ? Effect.succeed({ report: invalidGateReport("evidence", error.message, null), policy, table: null })
          : usageError(error.message),
    ),
  );
});

/** `FILE#ARM` names an arm, unless there is a file of exactly that name. */
const armSource = (name: string): ArmSource => {
  const at = name.lastIndexOf("#");
  if (at <= 0 || existsSync(name)) return { source: fileSource(name) };
  return { source: fileSource(name.slice(0, at)), arm: name.slice(at + 1) };
};
