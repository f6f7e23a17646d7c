import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import { Exit, exitCodes, usageError } from "../exit.ts";
import { environment, json, organisation } from "../flags.ts";
import { printJson, printScreen, remark } from "../output.ts";
import type { GateInput } from "./gate-input.ts";

/** Names as in `caseFormatNames` of `@sluice/evals`, which is loaded only when the gate runs; a test compares the two. */
export const gateFormats = [
  "auto",
  "promptfoo",
  "inspect",
  "deepeval",
  "openai-evals",
  "sluice",
  "junit",
  "csv",
] as const;

const file = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.withMetavar("FILE"), Flag.withDescription(description), Flag.optional);

const flags = {
  baseline: file("baseline", "Results of the baseline; FILE#ARM where a file holds several arms"),
  candidate: file("candidate", "Results of the candidate; FILE#ARM where a file holds several arms"),
  pairs: file("pairs", "Results of both arms in one file, instead of --baseline and --candidate"),
  policy: file("policy", "sluice.yaml, or a policy alone, as YAML or JSON (default: the design's rules)"),
  format: Flag.Literals("format", gateFormats).pipe(
    Flag.withDescription("Format of the results; auto tells it by their content"),
    Flag.withDefault("auto"),
  ),
  environment,
  organisation,
  json,
  markdown: file("markdown", "Also write the report as Markdown, for a job summary or a pull request comment"),
  junit: file("junit", "Also write the report as JUnit XML"),
};

const codes = {
  passed: null,
  blocked: exitCodes.blocked,
  inconclusive: exitCodes.inconclusive,
  invalid: exitCodes.invalid,
} as const;

/** The offline gate on files. Reports first, then ends with the verdict's exit code. */
export const gateCommand = Command.make("gate", flags, (given) =>
  Effect.gen(function* () {
    const input = yield* inputOf(given);
    const { judgeFiles } = yield* Effect.promise(() => import("./gate-judge.ts"));
    const { writeReports } = yield* Effect.promise(() => import("./gate-outputs.ts"));
    const judged = yield* judgeFiles(input, {
      format: given.format,
      policyFile: Option.getOrUndefined(given.policy),
      environment: Option.getOrUndefined(given.environment),
      organisation: Option.getOrUndefined(given.organisation),
      withTexts: !given.json || Option.isSome(given.markdown),
    });
    yield* writeReports(judged, {
      markdown: Option.getOrUndefined(given.markdown),
      junit: Option.getOrUndefined(given.junit),
    });
    if (process.env.GITHUB_ACTIONS === "true") {
      const { annotations } = yield* Effect.promise(() => import("./gate-annotations.ts"));
      // The runner reads commands from standard error as well, and standard output is the answer's.
      for (const line of annotations(judged)) yield* remark(line);
    }
    if (given.json) yield* printJson(judged.report);
    else {
      const { terminalReport } = yield* Effect.promise(() => import("./gate-terminal.ts"));
      yield* printScreen(terminalReport(judged, { colour: wantsColour() }));
    }
    const code = codes[judged.report.verdict];
    if (code !== null) return yield* new Exit({ code, sentence: null });
  }),
).pipe(
  Command.withDescription("Compare a candidate's eval results with the baseline's and say whether it may go on"),
  Command.withExamples([
    {
      command: "sluice gate --baseline main.jsonl --candidate branch.jsonl",
      description: "Two files of results, one per arm",
    },
    {
      command: "sluice gate --pairs pairs.jsonl.gz --policy sluice.yaml --json",
      description: "One paired file, your policy, the report as JSON",
    },
  ]),
);

const wantsColour = () => process.stdout.isTTY === true && !process.env.NO_COLOR;

type Given = {
  readonly [Name in "baseline" | "candidate" | "pairs"]: Option.Option<string>;
};

const inputOf = (given: Given): Effect.Effect<GateInput, Exit> => {
  const baseline = Option.getOrUndefined(given.baseline);
  const candidate = Option.getOrUndefined(given.candidate);
  const pairs = Option.getOrUndefined(given.pairs);
  const one = baseline !== undefined || candidate !== undefined;
  if (pairs !== undefined && one)
    return usageError("--pairs holds both arms; leave --baseline and --candidate out, or --pairs");
  if (pairs !== undefined) return Effect.succeed({ pairs });
  if (baseline !== undefined && candidate !== undefined) return Effect.succeed({ baseline, candidate });
  if (!one) return usageError("there is nothing to compare; give --baseline FILE --candidate FILE, or --pairs FILE");
  return usageError(`--${baseline === undefined ? "baseline" : "candidate"} is missing; give both files`);
};
