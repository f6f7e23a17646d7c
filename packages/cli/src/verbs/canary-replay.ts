import type { CanaryReplay } from "@sluice/stack/recorded-canary";
import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import { Exit, exitCodes } from "../exit.ts";
import { json } from "../flags.ts";
import { print, printJson } from "../output.ts";

const file = Argument.String("file").pipe(
  Argument.withDescription("Recorded requests of both arms, one JSON object a line, plain or gzipped"),
);
const policy = Flag.String("policy").pipe(
  Flag.withMetavar("FILE"),
  Flag.withDescription("sluice.yaml, or a policy alone, as YAML or JSON (default: the design's rules)"),
  Flag.optional,
);

const codes = { promote: null, rollback: exitCodes.blocked, inconclusive: exitCodes.inconclusive } as const;

const replayCommand = Command.make("replay", { file, policy, json }, (given) =>
  Effect.gen(function* () {
    const { readRecording } = yield* Effect.promise(() => import("./canary-replay-file.ts"));
    const { defaultRules, readRules } = yield* Effect.promise(() => import("../rules-file.ts"));
    const { replayCanary } = yield* Effect.promise(() => import("@sluice/stack/recorded-canary"));
    const { policy } = Option.isSome(given.policy) ? yield* readRules(given.policy.value) : defaultRules;
    const replay = replayCanary(yield* readRecording(given.file), policy.canary);
    if (given.json) yield* printJson(withoutWindows(replay));
    else for (const line of replayLines(replay)) yield* print(line);
    const code = codes[replay.verdict];
    if (code !== null) return yield* new Exit({ code, sentence: null });
  }),
).pipe(
  Command.withDescription("Judge a recorded canary: promote, roll back, or too little to tell"),
  Command.withExamples([
    {
      command: "sluice canary replay canary.jsonl.gz --json",
      description: 'Rows such as {"arm":"candidate","latency_ms":412,"error":0,"refused":0,"quality":0.9,"t_ms":1500}',
    },
  ]),
);

export const canaryCommand = Command.make("canary").pipe(
  Command.withDescription("Canaries"),
  Command.withSubcommands([replayCommand]),
);

/** The windows are the file once more, a hundred times longer. */
const withoutWindows = ({ sequential, ...replay }: CanaryReplay) => {
  if (!sequential) return { ...replay, sequential: null };
  const { windows, ...evidence } = sequential.evidence;
  return { ...replay, sequential: { ...sequential, evidence: { ...evidence, windowCount: windows.length } } };
};

const replayLines = ({ verdict, sentence, checks, sequential }: CanaryReplay): ReadonlyArray<string> => [
  `${verdict.toUpperCase()}  ${sentence.replace(/^[^:]*: /u, "")}`,
  ...checks.map(({ failed, sentence: found }) => `  ${failed ? "✗" : "✓"} ${found}`),
  ...(sequential
    ? [
        `The controller, looking all the time, would ${sequential.breach ? "have breached" : "not have breached"}: ${sequential.breach?.sentence ?? sequential.evidence.sentence}`,
      ]
    : []),
];
