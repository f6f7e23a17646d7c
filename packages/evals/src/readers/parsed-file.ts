import type * as Result from "effect/Result";
import type { ArmResults } from "../domain/arm-results.ts";
import type { Problem } from "./case-file-error.ts";
import type { OnLine } from "./line-splitter.ts";

/** What a file holds: one arm, or several by name in the order of the file. */
export interface ParsedFile {
  readonly arms: ReadonlyMap<string, ArmResults>;
}

export type Parsed = Result.Result<ParsedFile, Problem>;

/** A format of one record a line. Made anew for each file, since it collects. */
export type LineFormat = () => {
  readonly onLine: OnLine;
  /** Cases so far. */
  readonly size: () => number;
  readonly finish: () => Parsed;
};

/** A format that is one document, held in memory as a whole. */
export type DocumentFormat = (document: Uint8Array) => Parsed | Promise<Parsed>;
