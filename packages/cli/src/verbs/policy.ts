import { policyDigest } from "@sluice/contracts";
import { explainSettings } from "@sluice/policy";
import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import { environment, json, organisation } from "../flags.ts";
import { print, printJson } from "../output.ts";
import { readRules } from "../rules-file.ts";

const flags = {
  file: Argument.String("file").pipe(
    Argument.withDescription("sluice.yaml, or a policy alone, as YAML or JSON"),
    Argument.withDefault("sluice.yaml"),
  ),
  environment,
  organisation,
  json,
};

const rulesOf = (given: {
  readonly file: string;
  readonly environment: Option.Option<string>;
  readonly organisation: Option.Option<string>;
}) =>
  readRules(given.file, {
    environment: Option.getOrUndefined(given.environment),
    organisation: Option.getOrUndefined(given.organisation),
  });

const validateCommand = Command.make("validate", flags, (given) =>
  Effect.gen(function* () {
    const { policy, environment: name } = yield* rulesOf(given);
    const digest = policyDigest(policy);
    if (given.json) return yield* printJson({ valid: true, environment: name, digest });
    yield* print(`${given.file}: valid, policy ${digest}${name === null ? "" : ` in ${name}`}`);
  }),
).pipe(Command.withDescription("Check a policy; every fault is named with its place"));

const explainCommand = Command.make("explain", flags, (given) =>
  Effect.gen(function* () {
    const { policy, layers, environment: name } = yield* rulesOf(given);
    const settings = explainSettings(policy, layers).map(({ source, ...setting }) => ({
      ...setting,
      source: source ?? "default",
    }));
    if (given.json) return yield* printJson({ digest: policyDigest(policy), environment: name, settings });
    const width = Math.max(...settings.map(({ path }) => path.length));
    for (const { path, value, source } of settings)
      yield* print(`${path.padEnd(width)}  ${JSON.stringify(value)}  (${source})`);
  }),
).pipe(
  Command.withDescription(
    "The effective policy: each value, and whether default, organisation, file or environment says so",
  ),
);

export const policyCommand = Command.make("policy").pipe(
  Command.withDescription("Policies"),
  Command.withSubcommands([validateCommand, explainCommand]),
);
