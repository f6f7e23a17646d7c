import { CsvError, parse } from "csv-parse/sync";
import * as Result from "effect/Result";
import { safetyBy, sliceBy } from "../../domain/result-rules.ts";
import { ArmCollector, type ImportedResult } from "../arm-collector.ts";
import { type Problem, showValue } from "../case-file-error.ts";
import type { FormatReader } from "../file-head.ts";
import type { ImportContext } from "../import-context.ts";
import { errored, scored } from "../imported-score.ts";
import { decodeText } from "../json-document.ts";
import type { DocumentFormat, Parsed } from "../parsed-file.ts";

/** Names of columns, with those that other tools use for the same. */
const columns = {
  caseId: ["case_id", "id", "case"],
  arm: ["arm"],
  score: ["score"],
  passed: ["passed", "pass", "success"],
  error: ["error"],
  repeat: ["repeat", "epoch"],
  input: ["input"],
  output: ["output"],
} as const;
type Column = keyof typeof columns;

const delimiters = [",", ";", "\t"];

const normal = (name: string): string => name.trim().toLowerCase().replaceAll(/^"|"$/gu, "");

const delimiterOf = (header: string): string =>
  delimiters.toSorted((a, b) => header.split(b).length - header.split(a).length)[0] ?? ",";

const isHeader = (line: string): boolean => {
  const names = line.split(delimiterOf(line)).map(normal);
  const has = (column: Column) => columns[column].some((name) => names.includes(name));
  return has("caseId") && (has("score") || has("passed"));
};

/** One result a row. The header names the columns; `arm` makes a file of both arms. */
const csvDocument =
  (context: ImportContext): DocumentFormat =>
  (document) =>
    Result.flatMap(decodeText(document), (text): Parsed => {
      const [header = ""] = text.trimStart().split("\n", 1);
      if (!isHeader(header))
        return Result.fail({
          field: "header",
          value: showValue(header.trim()),
          problem: "names no case_id together with score or passed",
          fix: "make the first line a header such as case_id,slice,safety,score",
        });
      try {
        const rows: Array<{ record: Record<string, string>; info: { lines: number } }> = parse(text, {
          bom: true,
          columns: (names: Array<string>) => names.map(normal),
          delimiter: delimiterOf(header),
          info: true,
          max_record_size: MAX_RECORD,
          skip_empty_lines: true,
          trim: true,
        });
        const collector = new ArmCollector(context);
        return collector.addAll(rows.map(({ record, info }) => atLine(info.lines, resultOf(record, context))));
      } catch (error) {
        if (error instanceof CsvError) return Result.fail(csvProblem(error));
        throw error;
      }
    });

const MAX_RECORD = 8 * 1_024 * 1_024;

const csvProblem = (error: CsvError): Problem => {
  const line = "lines" in error && typeof error.lines === "number" ? { line: error.lines } : {};
  return {
    ...line,
    problem: `is no row of this CSV (${error.code})`,
    fix: "give every row as many fields as the header, and quote fields that hold the delimiter",
  };
};

const atLine = <A>(line: number, result: Result.Result<A, Problem>): Result.Result<A, Problem> =>
  Result.mapError(result, (problem) => ({ ...problem, line }));

const truths: ReadonlyMap<string, boolean> = new Map([
  ...["true", "yes", "pass", "passed", "1"].map((word) => [word, true] as const),
  ...["false", "no", "fail", "failed", "0"].map((word) => [word, false] as const),
]);

/** Cells are text; rules speak of true and false (and tools write True and TRUE). */
const withTruths = (row: Readonly<Record<string, string>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(row)
      .filter(([, cell]) => cell !== "")
      .map(([name, cell]) => [name, truths.get(cell.toLowerCase()) ?? cell]),
  );

const resultOf = (
  row: Readonly<Record<string, string>>,
  { rules }: ImportContext,
): Result.Result<ImportedResult, Problem> =>
  Result.gen(function* () {
    const cell = (column: Column) => {
      const name = columns[column].find((alias) => (row[alias] ?? "") !== "");
      return name === undefined ? undefined : row[name];
    };
    const truth = function* (column: Column) {
      const value = cell(column);
      if (value === undefined) return undefined;
      const known = truths.get(value.toLowerCase());
      return (
        known ??
        (yield* Result.fail<Problem>({
          field: column,
          value: showValue(value),
          problem: "",
          fix: "write true or false",
        }))
      );
    };
    const caseId = cell("caseId");
    if (caseId === undefined)
      return yield* Result.fail<Problem>({ field: "case_id", problem: "is missing", fix: "give every row an id" });
    const passed = yield* truth("passed");
    const given = cell("score");
    const score = given === undefined ? (passed === undefined ? undefined : Number(passed)) : Number(given);
    const error = cell("error");
    const repeat = cell("repeat");
    if (repeat !== undefined && !/^\d{1,9}$/u.test(repeat))
      return yield* Result.fail<Problem>({
        field: "repeat",
        value: showValue(repeat),
        problem: "",
        fix: "number the repeats of a case 0, 1, 2 …",
      });
    if (error === undefined && score === undefined)
      return yield* Result.fail<Problem>({
        field: "score",
        problem: "is missing",
        fix: "fill in score, passed or error",
      });
    if (error === undefined && !Number.isFinite(score))
      return yield* Result.fail<Problem>({
        field: "score",
        value: showValue(given),
        problem: "",
        fix: "give a score from 0 to 1",
      });
    const outcome = error === undefined ? yield* scored("score", score ?? 0, passed) : errored(error);
    return {
      arm: cell("arm") ?? "results",
      caseId,
      repeat: repeat === undefined ? undefined : Number(repeat),
      slice: sliceBy(rules, row),
      safety: safetyBy(rules, withTruths(row)),
      outcome,
      input: cell("input"),
      output: cell("output"),
    };
  });

export const csvFormat: FormatReader = {
  isLikely: ({ firstLine }) => isHeader(firstLine),
  reading: (_head, context) => ({ by: "document", format: csvDocument(context) }),
};
