import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { EnvironmentName, OrganisationConfiguration } from "@sluice/contracts/configuration";
import { defaultPolicy, Policy } from "@sluice/contracts/policy";
import { ResultRules } from "@sluice/contracts/result-rules";
import { isGroup, looserSentence, looserSettings, mergeLayers, type SettingsLayer } from "@sluice/policy";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { type Exit, usageError } from "./exit.ts";
import { decodeFile, readYaml } from "./yaml-file.ts";

/** Rules of the verdict, and rules of reading results. */
export interface Rules {
  readonly policy: Policy;
  readonly results: ResultRules;
}

/** The rules in force, and who says so: the layers of the policy from the organisation's to the environment's. */
export interface EffectiveRules extends Rules {
  readonly layers: ReadonlyArray<SettingsLayer>;
  /** Null where the file knows no environments. */
  readonly environment: string | null;
}

export interface RulesOptions {
  /** Default: `production`, where the file has it. */
  readonly environment?: string | undefined;
  /** File with the organisation's rules, before those that the file itself extends. Default: SLUICE_ORGANISATION_POLICY. */
  readonly organisation?: string | undefined;
  /** Refuses an organisation's rules, which alone are in force nowhere. */
  readonly ofApplication?: boolean;
}

/** The design's rules to the letter. */
export const defaultRules: Rules = { policy: defaultPolicy, results: Schema.decodeUnknownSync(ResultRules)({}) };

const PRODUCTION = "production";
const Environments = Schema.Record(EnvironmentName, Schema.Struct({ policy: Schema.optionalKey(Policy) }));

/**
 * Reads the rules of a `sluice.yaml`, or of a file that is a policy; YAML, and so JSON. Later layers win: defaults,
 * organisation, application, environment. What is in force in production may be no looser than the organisation's rules,
 * nor than those of any other environment.
 */
export const readRules = Effect.fn("readRules")(function* (
  file: string,
  options: RulesOptions = {},
): Effect.fn.Return<EffectiveRules, Exit> {
  return yield* rulesOf(yield* readYaml(file), file, options);
});

/** The same of what was read of `file` already. */
export const rulesOf = Effect.fn("rulesOf")(function* (
  value: unknown,
  file: string,
  options: RulesOptions,
): Effect.fn.Return<EffectiveRules, Exit> {
  if (value === null) return yield* usageError(`${file}: is empty, and says no rule; write {} for the defaults`);
  const content = contentOf(value);
  // A misspelt `policy` must not silently give the defaults.
  const stranger = content.isRepository ? Object.keys(content.value).find((key) => !settings.has(key)) : undefined;
  if (stranger !== undefined)
    return yield* usageError(`${file}: ${stranger} is no setting; remove it or correct its name`);
  if (options.ofApplication && content.isRepository && content.value.application === undefined)
    return yield* usageError(
      `${file} names no application: by itself it is in force nowhere; give a sluice.yaml that extends it, or a policy alone`,
    );
  const { policy: written, results, extends: parent, environments: differing = {} } = content.value;
  yield* decodeFile(Policy, written ?? {}, file, content.isRepository ? ["policy"] : []);
  yield* decodeFile(ResultRules, results ?? {}, file, ["results"]);
  yield* decodeFile(Environments, differing, file, ["environments"]);

  const organisation = yield* organisationLayers(file, parent, options.organisation);
  const layersIn = (environment: string | null): ReadonlyArray<SettingsLayer> => [
    ...organisation.map(({ source, policy }) => ({ source, written: policy })),
    { source: file, written },
    ...environmentLayer(file, differing, environment),
  ];
  const policyIn = (environment: string | null) => effectivePolicy(file, layersIn(environment));

  const environment = yield* chosenEnvironment(file, differing, options.environment);
  yield* checkProduction(file, organisation, differing, policyIn);
  const resultLayers = [...organisation, { source: file, results }].map((layer) => ({
    source: layer.source,
    written: layer.results,
  }));
  return {
    policy: yield* policyIn(environment),
    results: yield* decodeFile(ResultRules, mergeLayers(resultLayers), file, ["results"]),
    layers: layersIn(environment),
    environment,
  };
});

// ---------------------------------------------------------------- the file

/** What only a `sluice.yaml` has: by these a file is known as one. */
const repositoryKeys = ["policy", "results", "application", "team", "bundle", "evalSet", "extends", "environments"];
const settings: ReadonlySet<string> = new Set(["version", ...repositoryKeys]);

interface Content {
  readonly isRepository: boolean;
  readonly value: Readonly<Record<string, unknown>>;
}

const contentOf = (value: unknown): Content => {
  if (isGroup(value) && Object.keys(value).some((key) => repositoryKeys.includes(key)))
    return { isRepository: true, value };
  return { isRepository: false, value: { policy: value } };
};

// ---------------------------------------------------------------- organisation

interface OrganisationLayer {
  readonly source: string;
  readonly policy: unknown;
  readonly results: unknown;
}

const organisationLayers = Effect.fnUntraced(function* (
  file: string,
  parent: unknown,
  given: string | undefined,
): Effect.fn.Return<ReadonlyArray<OrganisationLayer>, Exit> {
  const named = organisationFile(given);
  const files = named === undefined ? [] : [named];
  if (parent !== undefined) {
    if (typeof parent !== "string") return yield* usageError(`${file}: extends is no path; name one file`);
    files.push(yield* beside(file, "extends", parent));
  }
  const layers: Array<OrganisationLayer> = [];
  for (const source of files) {
    const value = yield* readYaml(source);
    yield* decodeFile(OrganisationConfiguration, value, source);
    const { policy, results } = isGroup(value) ? value : {};
    layers.push({ source, policy, results });
  }
  return layers;
});

const organisationFile = (given: string | undefined): string | undefined =>
  given ?? (process.env.SLUICE_ORGANISATION_POLICY || undefined);

/** The organisation's policy; null where no file of it is named. */
export const readOrganisationPolicy = Effect.fn("readOrganisationPolicy")(function* (
  given: string | undefined,
): Effect.fn.Return<Policy | null, Exit> {
  const file = organisationFile(given);
  if (file === undefined) return null;
  const { policy } = yield* decodeFile(OrganisationConfiguration, yield* readYaml(file), file);
  return policy ?? defaultPolicy;
});

/** The files of a repository are in it: a pull request must not send others from the machine that it is checked on. */
export const beside = (file: string, field: string, path: string): Effect.Effect<string, Exit> => {
  const inside = relative("/repository", resolve("/repository", path));
  return isAbsolute(path) || inside.startsWith("..")
    ? Effect.fail(usageError(`${file}: ${field} is ${path}; name a file in the directory of ${file}, or below it`))
    : Effect.succeed(join(dirname(file), path));
};

// ---------------------------------------------------------------- environments

const chosenEnvironment = (
  file: string,
  differing: unknown,
  wanted: string | undefined,
): Effect.Effect<string | null, Exit> => {
  const names = isGroup(differing) ? Object.keys(differing) : [];
  const chosen = wanted ?? PRODUCTION;
  if (names.includes(chosen)) return Effect.succeed(chosen);
  // Without a word about production, production is what the application says.
  if (chosen === PRODUCTION) return Effect.succeed(null);
  const known = names.length > 0 ? `it has ${names.join(", ")}` : "it has none";
  return Effect.fail(usageError(`--environment is ${chosen}, which ${file} does not name: ${known}`));
};

const environmentLayer = (file: string, differing: unknown, environment: string | null) => {
  const one = environment !== null && isGroup(differing) ? differing[environment] : undefined;
  return isGroup(one) ? [{ source: `environment ${environment} of ${file}`, written: one.policy }] : [];
};

const effectivePolicy = (file: string, layers: ReadonlyArray<SettingsLayer>) =>
  decodeFile(Policy, mergeLayers(layers), file, ["policy"]);

const checkProduction = Effect.fnUntraced(function* (
  file: string,
  organisation: ReadonlyArray<OrganisationLayer>,
  differing: unknown,
  policyIn: (environment: string | null) => Effect.Effect<Policy, Exit>,
): Effect.fn.Return<void, Exit> {
  const production = yield* policyIn(PRODUCTION);
  const floors: Array<readonly [string, Policy]> = [];
  if (organisation.length > 0) {
    const layers = organisation.map(({ source, policy }) => ({ source, written: policy }));
    floors.push([layers.map(({ source }) => source).join(" with "), yield* effectivePolicy(file, layers)]);
  }
  for (const name of isGroup(differing) ? Object.keys(differing) : [])
    if (name !== PRODUCTION) floors.push([`environment ${name}`, yield* policyIn(name)]);
  const faults = floors.flatMap(([name, floor]) =>
    looserSettings(production, floor).map((setting) => `${file}: in production, ${looserSentence(setting, name)}`),
  );
  if (faults.length > 0) return yield* usageError(faults.join("\nsluice: "));
});
