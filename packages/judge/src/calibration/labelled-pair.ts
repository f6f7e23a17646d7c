import * as Result from "effect/Result";
import * as Schema from "effect/Schema";

/** Which of two responses is better. */
export const preferences = ["baseline", "tie", "candidate"] as const;
export type Preference = (typeof preferences)[number];

/** One pair with people's label and a judge's verdict. */
export interface LabelledPair {
  readonly caseId: string;
  /** Null where people came to no majority: then the pair says nothing about the judge. */
  readonly human: Preference | null;
  /** Null where the judge failed. */
  readonly judge: Preference | null;
  /** The judge's verdict with the responses in the other order; left out where it was not asked. */
  readonly judgeSwapped?: Preference | null;
  /** With the baseline's shown first, where that alone is not the verdict. */
  readonly judgeAsShown?: Preference;
}

/** One pair with people's label, for a judge to be asked about. */
export interface PairToJudge {
  readonly caseId: string;
  readonly human: Preference | null;
  readonly input: string;
  readonly baseline: string;
  readonly candidate: string;
  readonly reference?: string;
}

const names = ["old", "new", "tie"] as const;
type Named = (typeof names)[number];

/** Says what was found, which a list of literals does not. */
const Name = Schema.String.check(
  Schema.makeFilter(
    (value) => names.some((name) => name === value) || `${JSON.stringify(value)} is not old, new or tie`,
  ),
);
const Winner = Schema.NullOr(Name);
const JudgeField = Schema.Struct({ winner: Winner, winner_swapped: Schema.optionalKey(Winner) });

const Line = Schema.StructWithRest(
  Schema.Struct({
    case_id: Schema.NonEmptyString,
    /** One label a person. */
    human: Schema.optionalKey(Schema.Array(Name)),
    human_majority: Schema.optionalKey(Winner),
  }),
  [Schema.Record(Schema.String, Schema.Unknown)],
);

const Texts = Schema.Struct({
  input: Schema.String,
  old: Schema.Struct({ output: Schema.String }),
  new: Schema.Struct({ output: Schema.String }),
  reference: Schema.optionalKey(Schema.String),
});
const decodeTexts = Schema.decodeUnknownResult(Texts);

const decodeLine = Schema.decodeUnknownResult(Schema.fromJsonString(Line));
const decodeJudge = Schema.decodeUnknownResult(JudgeField);

/**
 * Reads human-labelled pairs, one JSON object a line: `case_id`, `human` (labels `old`, `new` or `tie`) or `human_majority`,
 * and the judge's verdict as `{ "winner": … }` in the field named by `judge`. `old` was shown first. Fails with one
 * sentence that names the line.
 */
export const readLabelledPairs = (text: string, judge = "judge"): Result.Result<ReadonlyArray<LabelledPair>, string> =>
  readLines(text, (line) => readVerdict(line, judge));

/** As `readLabelledPairs`, with `input`, `old.output` and `new.output` in place of a verdict; `reference` where there is one. */
export const readPairsToJudge = (text: string): Result.Result<ReadonlyArray<PairToJudge>, string> =>
  readLines(text, readTexts);

const readLines = <Pair extends { readonly caseId: string }>(
  text: string,
  read: (line: string) => Result.Result<Pair, string>,
): Result.Result<ReadonlyArray<Pair>, string> => {
  const pairs: Array<Pair> = [];
  const seen = new Set<string>();
  for (const [i, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const pair = read(line);
    if (Result.isFailure(pair)) return Result.fail(`line ${i + 1}: ${pair.failure}`);
    const { caseId } = pair.success;
    if (seen.has(caseId))
      return Result.fail(`line ${i + 1}: case_id "${caseId}" was there before; give each case one line`);
    seen.add(caseId);
    pairs.push(pair.success);
  }
  return pairs.length === 0 ? Result.fail("there are no labelled pairs in it") : Result.succeed(pairs);
};

/** `Missing key at ["old"]["output"]` in the words of whoever wrote the file. */
const oneSentence = (error: { readonly message: string }): string => {
  const message = error.message.replaceAll(/\s*\n\s*/g, " ");
  const [, fault = message, path = ""] = /^(.*?)(?: at ((?:\[[^\]]+\])+))?$/u.exec(message) ?? [];
  const field = path.replaceAll(/\["?([^\]"]+)"?\]/gu, ".$1").slice(1);
  if (fault === "Expected a valid JSON string") return "is not JSON; write one JSON object a line";
  if (fault === "Missing key") return `${field} is missing; give it on each line`;
  const [, wanted] = /^Expected (.+)$/u.exec(fault) ?? [];
  if (wanted === undefined) return message;
  return field === "" ? `is no ${wanted}; write one JSON object a line` : `${field} is no ${wanted}; give one`;
};

/** The case and people's label, with the rest of the line. */
const readLabel = (line: string) =>
  Result.flatMap(Result.mapError(decodeLine(line), oneSentence), (row) => {
    const { case_id: caseId, human, human_majority } = row;
    if (human === undefined && human_majority === undefined)
      return Result.fail('neither "human" nor "human_majority" is there; one of them must hold people\'s labels');
    const label = preferenceOf(human_majority === undefined ? majorityOf(human ?? []) : human_majority);
    return Result.succeed({ caseId, human: label, row });
  });

const readVerdict = (line: string, judge: string): Result.Result<LabelledPair, string> =>
  Result.flatMap(readLabel(line), ({ caseId, human, row }) => {
    if (row[judge] === undefined)
      return Result.fail(
        `field "${judge}" is missing; name the field with the verdicts, or the policy whose judge is asked`,
      );
    return Result.mapBoth(decodeJudge(row[judge]), {
      onFailure: (error) => `field "${judge}": ${oneSentence(error)}`,
      onSuccess: (verdict): LabelledPair => ({
        caseId,
        human,
        judge: preferenceOf(verdict.winner),
        ...(verdict.winner_swapped !== undefined && { judgeSwapped: preferenceOf(verdict.winner_swapped) }),
      }),
    });
  });

const readTexts = (line: string): Result.Result<PairToJudge, string> =>
  Result.flatMap(readLabel(line), ({ caseId, human, row }) =>
    Result.mapBoth(decodeTexts(row), {
      onFailure: oneSentence,
      onSuccess: ({ input, old, new: candidate, reference }): PairToJudge => ({
        caseId,
        human,
        input,
        baseline: old.output,
        candidate: candidate.output,
        ...(reference !== undefined && { reference }),
      }),
    }),
  );

/** More than half of the people; null where they are divided. */
const majorityOf = (labels: ReadonlyArray<string>): Named | null =>
  names.find((name) => labels.filter((label) => label === name).length * 2 > labels.length) ?? null;

const preferenceOf = (name: string | null): Preference | null => {
  switch (name) {
    case "old":
      return "baseline";
    case "new":
      return "candidate";
    case "tie":
      return "tie";
    default:
      return null;
  }
};
