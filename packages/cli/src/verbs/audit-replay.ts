import { type ArtifactStore as ArtifactPort, ArtifactStore, ArtifactStoreError } from "@sluice/artifact-store";
import { ApplicationsBody, AuditRowsBody, type Policy, ReleaseEvent, ReleasesBody } from "@sluice/contracts";
import type { AcceptedEvent, ReplayedDecision } from "@sluice/stack/replay-release";
import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import { Exit, exitCodes, usageError } from "../exit.ts";
import { environment, json, ofApplication, organisation, release, url } from "../flags.ts";
import { instant } from "../instant.ts";
import { print, printJson } from "../output.ts";
import { type RegistryAddress, registryAddress } from "../registry-client.ts";
import { readRegistry } from "./release-read.ts";

const time = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.withDescription(description), Flag.optional);

export const replayCommand = Command.make(
  "replay",
  {
    release: Argument.optional(release),
    application: ofApplication("Only this application's"),
    since: time("since", "Instead of a release: every decision from this instant on"),
    until: time("until", "And before this one"),
    policy: Flag.String("policy").pipe(
      Flag.withMetavar("FILE"),
      Flag.withDescription("What this policy would have decided on the same evidence (sluice.yaml, or a policy alone)"),
      Flag.optional,
    ),
    environment,
    organisation,
    url,
    json,
  },
  (flags) =>
    Effect.gen(function* () {
      const address = registryAddress(Option.getOrUndefined(flags.url));
      const { readRules } = yield* Effect.promise(() => import("../rules-file.ts"));
      const layers = {
        environment: Option.getOrUndefined(flags.environment),
        organisation: Option.getOrUndefined(flags.organisation),
        ofApplication: true,
      };
      if (Option.isNone(flags.policy) && (layers.environment ?? layers.organisation) !== undefined)
        return yield* usageError("--environment and --organisation say which policy of --policy FILE; give that too");
      const policy = Option.isSome(flags.policy) ? (yield* readRules(flags.policy.value, layers)).policy : null;
      const release = Option.getOrUndefined(flags.release);
      const since = yield* timeOf("--since", Option.getOrUndefined(flags.since));
      const until = yield* timeOf("--until", Option.getOrUndefined(flags.until));
      if ((release === undefined) === (since === undefined && until === undefined))
        return yield* usageError("give a RELEASE, or --since and --until for all decisions of a period");
      if (since !== undefined && until !== undefined && until <= since)
        return yield* usageError(`--until is ${until}, and --since is ${since}; give a later --until`);
      const applications = yield* applicationsOf(address, release, Option.getOrUndefined(flags.application));
      const decisions: Array<Shown> = [];
      for (const application of applications)
        for (const decision of yield* decisionsOf(address, application, policy))
          if (
            (release === undefined || decision.releaseId === release) &&
            (since === undefined || decision.at >= since) &&
            (until === undefined || decision.at < until)
          )
            decisions.push(decision);
      if (decisions.length === 0)
        return yield* usageError(
          `${whatOf(release, since, until)}${Option.match(flags.application, { onNone: () => "", onSome: (name) => ` in ${name}` })} has no decision on record to run again`,
        );
      yield* tell(decisions, policy !== null, flags.json);
    }),
).pipe(
  Command.withDescription("Run decisions again from the record: same bytes, or what another policy would have said"),
);

interface Shown extends ReplayedDecision {
  readonly application: string;
  readonly at: string;
}

const whatOf = (release: string | undefined, since: string | undefined, until: string | undefined): string =>
  release === undefined
    ? `the time${since ? ` from ${since}` : ""}${until ? ` until ${until}` : ""}`
    : `release ${release}`;

const timeOf = (flag: string, given: string | undefined) =>
  given === undefined ? Effect.succeed(undefined) : instant(flag, given);

const applicationsOf = Effect.fnUntraced(function* (
  address: RegistryAddress,
  release: string | undefined,
  application: string | undefined,
) {
  if (application !== undefined) return [application];
  if (release === undefined)
    return (yield* readRegistry(address, "/v1/applications", ApplicationsBody)).applications.map(
      (one) => one.application,
    );
  const { releases } = yield* readRegistry(address, "/v1/releases?limit=1000", ReleasesBody);
  return [...new Set(releases.filter(({ releaseId }) => releaseId === release).map((one) => one.application))];
});

const decodeEvent = Schema.decodeUnknownSync(Schema.fromJsonString(ReleaseEvent));

/** Every decision of an application, run again. */
export const decisionsOf = Effect.fnUntraced(function* (
  address: RegistryAddress,
  application: string,
  policy: Policy | null,
) {
  const record: Array<AcceptedEvent> = [];
  for (let after: number | null = 0; after !== null; ) {
    const path: string = `/v1/audit/rows?application=${encodeURIComponent(application)}&after=${after}`;
    const { rows, next } = yield* readRegistry(address, path, AuditRowsBody);
    for (const { position, refusal, type, payload } of rows)
      if (refusal === null && type !== "RecordDeadLettered") record.push({ position, event: decodeEvent(payload) });
    after = next;
  }
  const { replayDecisions } = yield* Effect.promise(() => import("@sluice/stack/replay-release"));
  const atOf = new Map(record.map(({ position, event }) => [position, event.at]));
  const decisions = yield* Effect.provide(replayDecisions(application, record, policy), artifactsOf(address));
  return decisions.map((decision): Shown => ({ ...decision, application, at: atOf.get(decision.position) ?? "" }));
});

/** The registry's artifacts, as far as a replay reads them. */
const artifactsOf = (address: RegistryAddress): Layer.Layer<ArtifactPort> =>
  Layer.succeed(ArtifactStore, {
    put: () => Effect.die("a replay stores nothing"),
    has: () => Effect.die("a replay asks for contents"),
    remove: () => Effect.die("a replay removes nothing"),
    get: (digest) =>
      Effect.tryPromise({
        try: async (signal) => {
          const response = await fetch(`${address.url}/v1/artifacts/${digest}`, {
            headers: address.token ? { authorization: `Bearer ${address.token}` } : {},
            signal,
          });
          if (response.status === 404) return Option.none<Uint8Array>();
          if (response.status === 410)
            throw new Error(`its inputs (${digest}) were erased; the record keeps their digest`);
          if (!response.ok) throw new Error(`the registry answered ${response.status} for ${digest}`);
          return Option.some(new Uint8Array(await response.arrayBuffer()));
        },
        catch: (cause) =>
          new ArtifactStoreError({ operation: "get", message: cause instanceof Error ? cause.message : String(cause) }),
      }),
  });

const tell = Effect.fnUntraced(function* (decisions: ReadonlyArray<Shown>, isWhatIf: boolean, asJson: boolean) {
  const missing = decisions.filter((decision) => decision.missing !== null);
  const others = decisions.filter(
    (one) => one.missing === null && (isWhatIf ? one.replayed !== one.recorded : !one.same),
  );
  const counts = {
    decisions: decisions.length,
    same: decisions.length - missing.length - others.length,
    different: others.length,
    missing: missing.length,
    outcomes: outcomesOf(decisions),
  };
  if (asJson) yield* printJson({ ...counts, details: decisions });
  else {
    for (const one of decisions) yield* print(lineOf(one, isWhatIf));
    const same = isWhatIf ? "would be decided the same" : "come out the same, byte for byte";
    yield* print(
      `${counts.same} of ${counts.decisions} decisions ${same}, ${counts.different} differ, ${counts.missing} cannot be run again`,
    );
    if (isWhatIf)
      for (const { recorded, replayed, count } of counts.outcomes)
        yield* print(`  ${count} × ${recorded} → ${replayed}`);
  }
  if (!isWhatIf && others[0])
    return yield* new Exit({
      code: exitCodes.invalid,
      sentence: `the decision of row ${others[0].position} (${others[0].recorded}) does not follow from its evidence`,
    });
  if (!isWhatIf && missing[0])
    return yield* new Exit({
      code: exitCodes.inconclusive,
      sentence: `the decision of row ${missing[0].position} cannot be run again: ${missing[0].missing}`,
    });
});

const outcomesOf = (decisions: ReadonlyArray<Shown>) => {
  const counts = new Map<string, { recorded: string; replayed: string; count: number }>();
  for (const { recorded, replayed } of decisions) {
    const known = counts.get(`${recorded} ${replayed}`) ?? { recorded, replayed, count: 0 };
    counts.set(`${recorded} ${replayed}`, { ...known, count: known.count + 1 });
  }
  return [...counts.values()].sort((a, b) => b.count - a.count);
};

const lineOf = ({ at, application, releaseId, recorded, replayed, step, same, missing }: Shown, isWhatIf: boolean) => {
  const what = `${at}  ${application} ${releaseId}  ${recorded}${step === null ? "" : ` (step ${step + 1})`}`;
  if (missing !== null) return `?  ${what}: ${missing}`;
  if (isWhatIf) return `${replayed === recorded ? "=" : "≠"}  ${what} → ${replayed}`;
  return `${same ? "✓" : "✗"}  ${what}${replayed === recorded ? "" : ` → ${replayed}`}`;
};
