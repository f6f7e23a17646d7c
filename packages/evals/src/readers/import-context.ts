import type { ResultRules } from "@sluice/contracts";
import { ResultRules as Rules } from "@sluice/contracts/result-rules";
import * as Schema from "effect/Schema";

/** What an importer needs to know beside the file. */
export interface ImportContext {
  readonly rules: ResultRules;
  /** Cases whose input and outputs are to be kept. */
  readonly wanted: ReadonlySet<string>;
}

export const defaultResultRules: ResultRules = Schema.decodeUnknownSync(Rules)({});
