import { type Bundle, ReleaseState } from "@sluice/contracts";
import {
  type ArmInput,
  commandTarget,
  costBy,
  decodeLine,
  type EndpointSettings,
  endpointTarget,
  Prices,
  type Target,
} from "@sluice/evals/runner/index";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import type * as Scope from "effect/Scope";
import { getBundle } from "../artifacts.ts";
import { type Repository, readRepository } from "../configuration-file.ts";
import { type Exit, usageError } from "../exit.ts";
import type { Providers } from "../providers-file.ts";
import { registryAddress } from "../registry-client.ts";
import { readYaml } from "../yaml-file.ts";
import type { EvalRunFlags } from "./eval-run.ts";
import { readRegistry } from "./release-read.ts";

/** Bounds of the numbers that can be given; what lies outside is a slip of the hand. */
const bounds: ReadonlyArray<readonly [keyof EvalRunFlags, string, number, number]> = [
  ["concurrency", "concurrency", 1, 256],
  ["rate", "rate", 0.001, 10_000],
  ["retries", "retries", 0, 20],
  ["timeout", "timeout", 1, 3_600],
  ["repeats", "repeats", 1, 100],
  ["confirm", "confirm", 0, 100],
  ["maxCost", "max-cost", 0, 1_000_000],
  ["maxTokens", "max-tokens", 0, 1e12],
];

/** What can be said of the command line alone. */
export const checkFlags = Effect.fnUntraced(function* (given: EvalRunFlags): Effect.fn.Return<void, Exit> {
  for (const [key, name, low, high] of bounds) {
    const value = given[key];
    if (typeof value === "number" && !(value >= low && value <= high))
      return yield* usageError(`--${name} is ${value}; give a number from ${low} to ${high}`);
  }
  if (given.out === undefined && !given.estimate)
    return yield* usageError("--out is missing; name the file for the candidate's results");
  if (given.baselineConfig !== undefined && given.baselineRegistry)
    return yield* usageError("--baseline-config and --baseline-registry exclude each other; give one");
  const hasBaseline = given.baselineConfig !== undefined || given.baselineRegistry;
  if (hasBaseline !== (given.baselineOut !== undefined) && !given.estimate)
    return yield* usageError("give --baseline-config or --baseline-registry together with --baseline-out, or neither");
  if (given.out !== undefined && given.out === given.baselineOut)
    return yield* usageError(`--out and --baseline-out are both ${given.out}; give each arm its own file`);
  if (given.command !== undefined && given.endpoint !== undefined)
    return yield* usageError("--command and --endpoint exclude each other; give the one that answers");
  if (given.endpoint !== undefined && !/^https?:\/\/[^\s/?#]+(\/[^\s?#]*)?$/u.test(given.endpoint))
    return yield* usageError(`--endpoint is ${given.endpoint}; give an http or https address such as https://…/v1`);
});

export const readPrices = Effect.fnUntraced(function* (
  file: string | undefined,
): Effect.fn.Return<Prices | null, Exit> {
  if (file === undefined) return null;
  const decoded = decodeLine(Prices)(yield* readYaml(file));
  return Result.isSuccess(decoded) ? decoded.success : yield* usageError(`--prices ${file}: ${decoded.failure}`);
});

export interface Arms {
  readonly candidate: Repository;
  /** The baseline first: when a budget runs out, the arm that other runs can use is there. */
  readonly inputs: ReadonlyArray<ArmInput>;
}

/** The bundles to run and where each is asked. */
export const readArms = Effect.fnUntraced(function* (
  given: EvalRunFlags,
  providers: Providers,
  prices: Prices | null,
): Effect.fn.Return<Arms, Exit, Scope.Scope> {
  const candidate = yield* readRepository(given.config);
  const baseline = yield* baselineBundle(given, candidate.application);
  const targets = new Map<string, Target>();
  const inputOf = Effect.fnUntraced(function* (arm: ArmInput["arm"], bundle: Bundle) {
    const { provider, model } = bundle.model;
    const known = targets.get(provider);
    const target = known ?? (yield* targetOf(given, providers, bundle));
    targets.set(provider, target);
    return { arm, bundle, target, costOf: costBy(prices, provider, model) };
  });
  const inputs = [
    ...(baseline ? [yield* inputOf("baseline", baseline)] : []),
    yield* inputOf("candidate", candidate.bundle),
  ];
  return { candidate, inputs };
});

const baselineBundle = Effect.fnUntraced(function* (
  given: EvalRunFlags,
  application: string,
): Effect.fn.Return<Bundle | null, Exit> {
  if (given.baselineConfig !== undefined) return (yield* readRepository(given.baselineConfig)).bundle;
  if (!given.baselineRegistry) return null;
  const address = registryAddress(given.url);
  const { baseline } = yield* readRegistry(address, `/v1/applications/${application}`, ReleaseState);
  if (!baseline)
    return yield* usageError(
      `application ${application} has no baseline; register it with sluice application register`,
    );
  return yield* getBundle(address, baseline);
});

const targetOf = Effect.fnUntraced(function* (
  given: EvalRunFlags,
  providers: Providers,
  { model: { provider } }: Bundle,
): Effect.fn.Return<Target, Exit, Scope.Scope> {
  const timeoutMs = given.timeout * 1_000;
  if (given.command !== undefined) return commandTarget(given.command, timeoutMs);
  const configured: Pick<EndpointSettings, "baseUrl" | "apiKeyEnv" | "headers"> | undefined =
    given.endpoint === undefined ? providers[provider] : { baseUrl: given.endpoint, apiKeyEnv: given.apiKeyEnv };
  if (!configured) {
    const names = Object.keys(providers).join(", ") || "none";
    return yield* usageError(
      `bundle.model.provider is ${provider}, and --providers names ${names}; add it there, or give --endpoint or --command`,
    );
  }
  const { apiKeyEnv } = configured;
  if (apiKeyEnv !== undefined && !process.env[apiKeyEnv])
    return yield* usageError(`the environment variable ${apiKeyEnv} is not set; it holds the key of ${provider}`);
  return yield* endpointTarget({ ...configured, timeoutMs, connections: given.concurrency });
});
