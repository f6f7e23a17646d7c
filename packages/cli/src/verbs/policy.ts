import { policyDigest } from "@sluice/contracts";
import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import * as Effect from "effect/Effect";
import { json } from "../flags.ts";
import { print, printJson } from "../output.ts";
import { readYaml } from "../yaml-file.ts";
import { policyIn, readPolicy } from "./gate-policy.ts";

const file = Argument.String("file").pipe(
  Argument.withDescription("sluice.yaml, or a policy alone, as YAML or JSON"),
  Argument.withDefault("sluice.yaml"),
);

const validateCommand = Command.make("validate", { file, json }, (given) =>
  Effect.gen(function* () {
    const policy = yield* readPolicy(given.file);
    const digest = policyDigest(policy);
    yield* given.json ? printJson({ valid: true, digest }) : print(`${given.file}: valid, policy ${digest}`);
  }),
).pipe(Command.withDescription("Check a policy; every fault is named with its place"));

interface Setting {
  readonly path: string;
  readonly value: unknown;
  readonly source: "file" | "default";
}

const explainCommand = Command.make("explain", { file, json }, (given) =>
  Effect.gen(function* () {
    const policy = yield* readPolicy(given.file);
    const written = policyIn(yield* readYaml(given.file)).value;
    const settings = settingsOf(policy, written, "");
    if (given.json) return yield* printJson({ digest: policyDigest(policy), settings });
    const width = Math.max(...settings.map(({ path }) => path.length));
    for (const { path, value, source } of settings)
      yield* print(`${path.padEnd(width)}  ${JSON.stringify(value)}${source === "default" ? "  (default)" : ""}`);
  }),
).pipe(Command.withDescription("The effective policy: each value, and whether the file or the default says so"));

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const settingsOf = (effective: unknown, written: unknown, path: string): ReadonlyArray<Setting> =>
  isRecord(effective)
    ? Object.entries(effective).flatMap(([key, value]) =>
        settingsOf(value, isRecord(written) ? written[key] : undefined, path === "" ? key : `${path}.${key}`),
      )
    : [{ path, value: effective, source: written === undefined ? "default" : "file" }];

export const policyCommand = Command.make("policy").pipe(
  Command.withDescription("Policies"),
  Command.withSubcommands([validateCommand, explainCommand]),
);
