import type { DocumentFormat, LineFormat } from "./parsed-file.ts";
import { sluiceLines, sluicePairLines } from "./sluice-lines.ts";

type Reading =
  | { readonly by: "lines"; readonly format: LineFormat }
  | { readonly by: "document"; readonly format: DocumentFormat };

/** Every format by its name on the command line. A new importer is one entry here and one in `detectFormat`. */
export const caseFormats = {
  sluice: { by: "lines", format: sluiceLines },
  "sluice-pairs": { by: "lines", format: sluicePairLines },
} as const satisfies Record<string, Reading>;

export type CaseFormat = keyof typeof caseFormats;

export const caseFormatNames = Object.keys(caseFormats) as ReadonlyArray<CaseFormat>;

export const readingOf = (format: CaseFormat): Reading => caseFormats[format];
