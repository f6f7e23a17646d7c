export { fileSource } from "./adapters/file-source.ts";
export { type ReadOptions, readCaseFile } from "./adapters/read-case-file.ts";
export {
  type ArmSource,
  type CasePairText,
  type CaseTableSource,
  readCaseTable,
  readCaseTexts,
} from "./adapters/read-case-table.ts";
export * from "./domain/arm-results.ts";
export * from "./domain/case-result.ts";
export * from "./domain/case-table.ts";
export { evaluateGate, invalidGateReport } from "./domain/evaluate-gate.ts";
export * from "./domain/number-words.ts";
export type { OfflinePolicy } from "./domain/offline-policy.ts";
export { pairArms } from "./domain/pair-arms.ts";
export { sliceMethodWords, testWords } from "./domain/reason-sentences.ts";
export { redactedText } from "./domain/redacted-text.ts";
export { isSafetyFlip } from "./domain/safety-rule.ts";
export { type ByteSource, bytesSource } from "./readers/byte-source.ts";
export { CaseFileError } from "./readers/case-file-error.ts";
export { type CaseFormat, caseFormatNames } from "./readers/case-format.ts";
export { defaultResultRules } from "./readers/import-context.ts";
export type { ParsedFile } from "./readers/parsed-file.ts";
export { defaultLimits, type ReadLimits } from "./readers/read-limits.ts";
