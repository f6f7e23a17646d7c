import type { FileHead, FormatReader, Reading } from "./file-head.ts";
import { csvFormat } from "./formats/csv.ts";
import { deepEvalFormat } from "./formats/deepeval.ts";
import { inspectFormat } from "./formats/inspect.ts";
import { junitFormat } from "./formats/junit.ts";
import { openAiEvalsFormat } from "./formats/openai-evals.ts";
import { promptfooFormat } from "./formats/promptfoo.ts";
import { sluiceFormat } from "./formats/sluice.ts";
import type { ImportContext } from "./import-context.ts";

/**
 * Every format by its name on the command line, in the order in which they are tried. A new importer is one file in
 * `formats/` and one line here.
 */
const caseFormats = {
  promptfoo: promptfooFormat,
  inspect: inspectFormat,
  deepeval: deepEvalFormat,
  "openai-evals": openAiEvalsFormat,
  // After those whose keys are unmistakable: a score is in nearly every format.
  sluice: sluiceFormat,
  junit: junitFormat,
  csv: csvFormat,
} as const satisfies Record<string, FormatReader>;

export type CaseFormat = keyof typeof caseFormats;

export const caseFormatNames = Object.keys(caseFormats) as ReadonlyArray<CaseFormat>;

/** How to read a file that begins so; undefined when it is in no format that is known. */
export const readingOf = (format: CaseFormat | "auto", head: FileHead, context: ImportContext): Reading | undefined => {
  const found = format === "auto" ? caseFormatNames.find((name) => caseFormats[name].isLikely(head)) : format;
  return found && caseFormats[found].reading(head, context);
};
