import * as Schema from "effect/Schema";

/**
 * A file of eval results that cannot be used. `message` is one sentence with file, line, field, value and fix; the fields
 * repeat its parts for `--json`.
 */
export class CaseFileError extends Schema.TaggedError<CaseFileError>()("CaseFileError", {
  /** `unreadable`: not to be had; `malformed`: not of its format; `unusable`: well-formed, but no evidence. */
  kind: Schema.Literals(["unreadable", "malformed", "unusable"]),
  file: Schema.String,
  line: Schema.NullOr(Schema.Int),
  field: Schema.NullOr(Schema.String),
  value: Schema.NullOr(Schema.String),
  message: Schema.String,
}) {}

/** What is wrong and what to do about it, before it is known where. */
export interface Problem {
  /** Where the format knows it better than the reader of lines. */
  readonly line?: number;
  readonly kind?: CaseFileError["kind"];
  readonly field?: string | undefined;
  readonly value?: string | undefined;
  /** Empty where the value itself is the problem: "score is 1.7". */
  readonly problem: string;
  readonly fix: string;
}

/** Longest piece of a value that is shown: enough to find it, too little to leak a payload. */
const SHOWN = 60;

export const showValue = (value: unknown): string => {
  const text = typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > SHOWN ? `${text.slice(0, SHOWN - 1)}…` : text;
};

/** The sentence: `results.jsonl, line 3: score is 1.7; give a score from 0 to 1.` */
export const caseFileError = (file: string, readerLine: number | null, problem: Problem): CaseFileError => {
  const line = problem.line ?? readerLine;
  const where = line === null ? file : `${file}, line ${line}`;
  const verb = problem.problem === "" ? "is" : undefined;
  const what = [problem.field, verb, problem.value, problem.problem].filter(
    (part) => part !== undefined && part !== "",
  );
  return new CaseFileError({
    kind: problem.kind ?? "malformed",
    file,
    line,
    field: problem.field ?? null,
    value: problem.value ?? null,
    message: `${where}: ${what.join(" ")}; ${problem.fix}.`.replaceAll(/\p{Cc}+/gu, " "),
  });
};
