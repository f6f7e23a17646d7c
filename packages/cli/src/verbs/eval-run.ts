import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import { json, url as registryUrl } from "../flags.ts";
import { inCourier, isCourier } from "./eval-run-courier.ts";

const optional = <A>(flag: Flag.Flag<A>, description: string): Flag.Flag<A | undefined> =>
  flag.pipe(Flag.withDescription(description), Flag.optional, Flag.map(Option.getOrUndefined));
const file = (name: string, description: string) =>
  optional(Flag.String(name).pipe(Flag.withMetavar("FILE")), description);
const text = (name: string, description: string) => optional(Flag.String(name), description);
const number = (name: string, description: string) => optional(Flag.Finite(name), description);
const count = (name: string, description: string, fallback: number) =>
  Flag.Int(name).pipe(Flag.withDescription(description), Flag.withDefault(fallback));
const flag = (name: string, description: string) =>
  Flag.Boolean(name).pipe(Flag.withDescription(description), Flag.withDefault(false));

const flags = {
  config: Flag.String("config").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("The candidate's sluice.yaml: its bundle, eval set and judge"),
    Flag.withDefault("sluice.yaml"),
  ),
  out: file("out", "Where the candidate's results go, one JSON object a line"),
  baselineConfig: file("baseline-config", "The baseline's sluice.yaml: its bundle is run on the same eval set"),
  baselineRegistry: flag("baseline-registry", "The baseline is what the registry says is at 100 %, as at a release"),
  url: registryUrl.pipe(Flag.map(Option.getOrUndefined)),
  baselineOut: file("baseline-out", "Where the baseline's results go"),
  evalSet: file("eval-set", "Eval cases as JSON Lines or YAML (default: evalSet in sluice.yaml)"),
  providers: file("providers", "JSON file: provider name to { baseUrl, apiKeyEnv, … }"),
  endpoint: text(
    "endpoint",
    "Ask this OpenAI-compatible address, such as http://127.0.0.1:8080/v1, whatever the provider",
  ),
  apiKeyEnv: text("api-key-env", "Environment variable with the bearer token for --endpoint"),
  command: text("command", "Ask this command instead: input on standard input, answer on standard output"),
  concurrency: count("concurrency", "Requests at a time", 8),
  rate: number("rate", "Requests a second at most"),
  retries: count("retries", "Further tries after a failure that may pass", 4),
  timeout: count("timeout", "Seconds that one answer may take", 120),
  repeats: count("repeats", "How often each case is asked", 1),
  confirm: count("confirm", "How often a safety case on which the arms disagree is asked again on both", 4),
  maxCost: number("max-cost", "Most that this run may cost, in the currency of --prices"),
  maxTokens: number("max-tokens", "Most tokens that this run may use"),
  prices: file("prices", "YAML or JSON: currency, and models with input_per_million and output_per_million"),
  cache: Flag.String("cache").pipe(
    Flag.withMetavar("DIRECTORY"),
    Flag.withDescription("Keeps answers by digest of bundle and case: they are asked for once"),
    Flag.withDefault(".sluice/evals"),
  ),
  fresh: flag("fresh", "Ask everything again"),
  estimate: flag("estimate", "Say what the run would take, and send nothing"),
  json,
};

const runCommand = Command.make("run", flags, (given) =>
  isCourier()
    ? Effect.flatMap(
        Effect.promise(() => import("./eval-run-work.ts")),
        ({ evalRun }) => evalRun(given),
      )
    : inCourier,
).pipe(
  Command.withDescription("Ask every case of the eval set with the bundle in sluice.yaml, and score the answers"),
  Command.withExamples([
    { command: "sluice eval run --providers providers.json --out candidate.jsonl", description: "One arm" },
    {
      command:
        "sluice eval run --baseline-config main/sluice.yaml --baseline-out main.jsonl --out branch.jsonl --providers providers.json",
      description: "Both arms; what is known of the baseline is not asked again",
    },
  ]),
);

export type EvalRunFlags = {
  readonly [Name in keyof typeof flags]: (typeof flags)[Name] extends Flag.Flag<infer A> ? A : never;
};

export const evalCommand = Command.make("eval").pipe(
  Command.withDescription("Eval sets"),
  Command.withSubcommands([runCommand]),
);
