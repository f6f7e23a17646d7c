import { randomUUID } from "node:crypto";
import {
  type BundleReference,
  type CanaryForecast,
  DecidedBody,
  hasEnded,
  type OfflineEvidence,
  type ReleasePhase,
  ReleaseState,
  Text,
  type Timestamp,
} from "@sluice/contracts";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import { putBundle, putFile } from "../artifacts.ts";
import { readRepository } from "../configuration-file.ts";
import { Exit, exitCodes, usageError } from "../exit.ts";
import { environment, json, organisation, text, url } from "../flags.ts";
import { instant } from "../instant.ts";
import { print, printJson, printJsonLine, remark } from "../output.ts";
import { printable } from "../printable.ts";
import { askRegistry, callRegistry, type RegistryAddress, registryAddress } from "../registry-client.ts";
import { manifestFileOf, readManifest, writtenAt } from "../results-manifest.ts";
import { readRegistry } from "./release-read.ts";
import { exitOf, timeout, watchRelease, within } from "./release-watch.ts";

const file = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.withMetavar("FILE"), Flag.withDescription(description), Flag.optional);

const config = Flag.String("config").pipe(
  Flag.withDescription("The repository's sluice.yaml"),
  Flag.withDefault("sluice.yaml"),
);

const flags = {
  config,
  environment,
  organisation,
  baseline: file("baseline", "Eval results of the baseline, one JSON object a line (plain or .gz)"),
  candidate: file("candidate", "Eval results of the candidate on the same cases"),
  attest: Flag.Boolean("attest").pipe(
    Flag.withDescription("Results without a manifest are of this bundle and the present baseline: your word"),
    Flag.withDefault(false),
  ),
  description: Flag.String("description").pipe(
    Flag.withDescription("What changes, in words"),
    Flag.withSchema(Text),
    Flag.withDefault(""),
  ),
  commit: text("commit", "Commit of the change", 100).pipe(Flag.optional),
  link: text("link", "Link to the change", 2_000).pipe(Flag.optional),
  mergedAt: text("merged-at", "When it was merged, such as 2026-01-31T09:00:00Z: the start of lead time", 100).pipe(
    Flag.optional,
  ),
  key: Flag.String("idempotency-key").pipe(
    Flag.withDescription("Sent again with the same key it is the same request (a retried CI job)"),
    // It travels as a header.
    Flag.withSchema(
      Schema.String.check(
        Schema.isPattern(/^[\x21-\x7e]([\x20-\x7e]{0,198}[\x21-\x7e])?$/u, {
          expected: "1 to 200 of letters, digits and signs of ASCII",
        }),
      ),
    ),
    Flag.optional,
  ),
  wait: Flag.Literals("wait", ["no", "gate", "end"]).pipe(
    Flag.withDescription("Return at once, after the gate's answer, or at the release's end"),
    Flag.withDefault("gate"),
  ),
  timeout,
  url,
  json,
};

export const requestCommand = Command.make("request", flags, (given) =>
  Effect.gen(function* () {
    const address = registryAddress(Option.getOrUndefined(given.url));
    const { application, team, bundle, policy, evalSet } = yield* readRepository(given.config, {
      environment: Option.getOrUndefined(given.environment),
      organisation: Option.getOrUndefined(given.organisation),
    });
    const mergedAt = Option.isSome(given.mergedAt) ? yield* instant("--merged-at", given.mergedAt.value) : null;
    const candidate = yield* putBundle(address, bundle);
    const files = yield* resultFiles(Option.getOrUndefined(given.baseline), Option.getOrUndefined(given.candidate));
    const evidence =
      files && (yield* evidenceOf(address, files, { application, candidate, evalSet, attest: given.attest }));
    const body = {
      application,
      team,
      candidate,
      policy,
      evidence: evidence ?? null,
      description: given.description,
      commit: Option.getOrNull(given.commit),
      link: Option.getOrNull(given.link),
      mergedAt,
    };
    const idempotencyKey = Option.getOrElse(given.key, randomUUID);
    const { answer, value } = yield* askRegistry(
      address,
      { method: "POST", path: "/v1/releases", body, idempotencyKey, flags: flagsOf },
      DecidedBody,
    );
    const { releaseId, forecast } = value;
    if (!releaseId) return yield* new Exit({ code: exitCodes.internal, sentence: "the registry named no release" });
    // One kind of JSON, whatever is waited for: a line for the answer, then one for each that `watch` says.
    yield* given.json ? printJsonLine(answer) : print(releaseId);
    // Beside the answer: the id alone is what scripts read.
    if (!given.json && forecast) yield* remark(forecastText(forecast));
    if (given.wait === "no") return;
    const until = given.wait === "gate" ? gateAnswered : hasEnded;
    const phase = yield* watchRelease(address, releaseId, { json: given.json, until }).pipe(
      within(Option.getOrUndefined(given.timeout), releaseId),
    );
    if (hasEnded(phase)) yield* exitOf(address, releaseId, phase);
  }),
).pipe(Command.withDescription("Request a release of the bundle in sluice.yaml; the exit code is the gate's answer"));

const flagsOf = { "idempotency-key": "--idempotency-key", mergedAt: "--merged-at", link: "--link" };

const forecastText = ({ sentence, metrics }: CanaryForecast): string =>
  [sentence, ...metrics.filter(({ sentence: one }) => !sentence.includes(one)).map((metric) => `  ${metric.sentence}`)]
    .map(printable)
    .join("\n");

const gateAnswered = (phase: ReleasePhase): boolean => phase !== "queued" && phase !== "requested";

/** Without results the request is honest about it: the gate will find the evidence invalid. */
const resultFiles = (baseline: string | undefined, candidate: string | undefined) => {
  if (baseline !== undefined && candidate !== undefined) return Effect.succeed({ baseline, candidate });
  if (baseline === undefined && candidate === undefined) return Effect.succeed(null);
  return Effect.fail(usageError("give both --baseline and --candidate, or neither"));
};

interface About {
  readonly application: string;
  readonly candidate: BundleReference;
  readonly evalSet: string | null;
  readonly attest: boolean;
}

/**
 * What the results are of comes from their manifests, which were written when the evaluation ran: only so can the gate
 * find results of another bundle, or of last month. Without them somebody has to say it, and is on record with the request.
 */
const evidenceOf = Effect.fnUntraced(function* (
  address: RegistryAddress,
  files: { readonly baseline: string; readonly candidate: string },
  { application, candidate, evalSet, attest }: About,
): Effect.fn.Return<OfflineEvidence, Exit> {
  const [baselineManifest, candidateManifest] = [
    yield* readManifest(files.baseline),
    yield* readManifest(files.candidate),
  ];
  const results = {
    baseline: yield* putFile(address, files.baseline),
    candidate: yield* putFile(address, files.candidate),
  };
  if (baselineManifest && candidateManifest) {
    if (baselineManifest.evalSet !== candidateManifest.evalSet)
      return yield* invalid(`${files.baseline} and ${files.candidate} are of different eval sets; run one set on both`);
    return {
      evalSet: candidateManifest.evalSet,
      producedAt: earlier(baselineManifest.producedAt, candidateManifest.producedAt),
      baseline: { bundle: baselineManifest.bundle, results: results.baseline },
      candidate: { bundle: candidateManifest.bundle, results: results.candidate },
    };
  }
  if (!attest) {
    const missing = manifestFileOf(baselineManifest ? files.candidate : files.baseline);
    return yield* invalid(
      `${missing} is missing, which says what the results are of: sluice eval run writes it; or give --attest to say yourself that they are of this bundle and the present baseline`,
    );
  }
  return {
    evalSet: yield* putFile(address, evalSet ?? files.baseline),
    producedAt: earlier(yield* writtenAt(files.baseline), yield* writtenAt(files.candidate)),
    baseline: { bundle: yield* baselineOf(address, application), results: results.baseline },
    candidate: { bundle: candidate.digest, results: results.candidate },
  };
});

const invalid = (sentence: string) => new Exit({ code: exitCodes.invalid, sentence });

const earlier = (a: Timestamp, b: Timestamp): Timestamp => (a < b ? a : b);

const baselineOf = Effect.fnUntraced(function* (address: RegistryAddress, application: string) {
  const state = yield* readRegistry(address, `/v1/applications/${application}`, ReleaseState);
  if (state.baseline) return state.baseline.digest;
  return yield* usageError(`application ${application} has no baseline; register it with sluice application register`);
});

const registerCommand = Command.make("register", { config, url, json }, (given) =>
  Effect.gen(function* () {
    const address = registryAddress(Option.getOrUndefined(given.url));
    const { application, bundle } = yield* readRepository(given.config);
    const baseline = yield* putBundle(address, bundle);
    const answer = yield* callRegistry(address, {
      method: "POST",
      path: "/v1/applications",
      body: { application, baseline },
    });
    yield* given.json ? printJson(answer) : print(`${application}: baseline ${baseline.digest}`);
  }),
).pipe(Command.withDescription("Say that the bundle in sluice.yaml is what the application serves now"));

export const applicationCommand = Command.make("application").pipe(
  Command.withDescription("Applications"),
  Command.withSubcommands([registerCommand]),
);
