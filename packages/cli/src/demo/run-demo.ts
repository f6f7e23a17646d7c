import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOfBytes, KpiBody, type ReleasePhase, type Role, VerificationBody } from "@sluice/contracts";
import { configuredChannels } from "@sluice/pager";
import {
  freshTally,
  simulateUsers,
  startModelServer,
  startWebhookReceiver,
  type UsersTally,
  type WebhookReceiver,
} from "@sluice/simulator";
import { embeddedStack } from "@sluice/stack";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Schedule from "effect/Schedule";
import * as Stream from "effect/Stream";
import { usableDirectory } from "../data-directory.ts";
import { eventLine } from "../event-line.ts";
import { registryStream } from "../event-stream.ts";
import { Exit, exitCodes, internalError, servesUntilStopped } from "../exit.ts";
import { print, printJson, printJsonLine } from "../output.ts";
import type { RegistryAddress } from "../registry-client.ts";
import { startFailure } from "../start-failure.ts";
import { table } from "../verbs/kpi.ts";
import { readRegistry } from "../verbs/release-read.ts";
import { type Outcome, registerApplication, runReleases, type Stage } from "./director.ts";
import { type Proofs, proofsOf } from "./proofs.ts";
import { type DemoApplication, demoApplications, simulatedModels } from "./scenarios.ts";

export interface DemoOptions {
  readonly keep: boolean;
  readonly data: string | undefined;
  readonly port: number;
  readonly json: boolean;
}

/** Every random number of the demo follows from it. */
const SEED = 4_400;

export const runDemo = (options: DemoOptions) =>
  Effect.scoped(
    Effect.gen(function* () {
      const say = (line: string) => (options.json ? Effect.void : print(line));
      const startedAt = performance.now();
      const { stage, pages } = yield* setTheStage(options, say);
      yield* say(
        `registry ${stage.ci.url}${options.keep ? `, to be watched with the token ${stage.operator.token}` : ""}`,
      );
      if (options.keep && options.json) yield* printJsonLine(addressesOf(stage));
      // The dashboard is built when it is first asked for: whoever opens the address need not wait.
      if (options.keep) yield* Effect.forkScoped(Effect.ignore(Effect.tryPromise(() => fetch(stage.ci.url))));
      yield* Effect.forkScoped(Effect.ignore(narrate(stage.ci, startedAt, say)));
      for (const application of demoApplications) yield* registerApplication(stage, application);
      const users = yield* startUsers(stage.gateway);
      const outcomes = (yield* Effect.forEach(demoApplications, (application) => runReleases(stage, application), {
        concurrency: "unbounded",
      })).flat();
      const summary = yield* closing(stage, outcomes, pages);
      if (options.keep) {
        yield* report(options, { ...summary, users: users.tallies() }, say);
        yield* say(`\neverything goes on, with traffic. Look around at ${stage.ci.url}/ and sign in with a token:`);
        for (const [role, token] of Object.entries(addressesOf(stage).tokens))
          yield* say(`  ${role.padEnd(8)}  ${token}  ${mayDo[role as keyof typeof mayDo]}`);
        yield* say("stop with Ctrl-C");
        servesUntilStopped();
        return yield* Effect.never;
      }
      yield* users.stop;
      yield* report(options, { ...summary, users: users.tallies() }, say);
      yield* say(`\nregistry was at ${stage.ci.url}; run with --keep to look around in a browser`);
      yield* asExpected(outcomes, summary.audit.faults.length, summary.proofs);
    }),
  );

/** Where everything is, and who may come in: the first line of `--json` where it is kept running. */
const addressesOf = (stage: Stage & { readonly gateway: string }) => ({
  registry: stage.ci.url,
  gateway: stage.gateway,
  models: stage.models,
  tokens: { operator: stage.operator.token, approver: stage.approver.token, ci: stage.ci.token },
});
const mayDo = {
  operator: "pauses, aborts, freezes, rolls back; reads users’ texts",
  approver: "overrides a gate that has blocked; reads users’ texts",
  ci: "requests releases, and reads",
};

const asExpected = Effect.fnUntraced(function* (
  outcomes: ReadonlyArray<Outcome>,
  faults: number,
  { passports, replay }: Proofs,
) {
  const fail = (sentence: string) => new Exit({ code: exitCodes.internal, sentence });
  if (faults > 0) return yield* fail(`the audit record has ${faults} faults; sluice audit verify names them`);
  if (passports.hold < passports.releases || replay.same < replay.decisions)
    return yield* fail(
      `${passports.hold} of ${passports.releases} passports hold, ${replay.same} of ${replay.decisions} decisions replay to the same bytes`,
    );
  const wrong = outcomes.filter(({ phases, expected }) => phases.join() !== expected.join());
  if (wrong.length === 0) return;
  const ends = wrong.map((outcome) => `${outcome.title} ended ${outcome.phases.join(", then ")}`).join("; ");
  return yield* fail(`${wrong.length} of ${outcomes.length} releases did not end as the demo expects: ${ends}`);
});

type Say = (line: string) => Effect.Effect<void>;

const setTheStage = Effect.fnUntraced(function* (options: DemoOptions, say: Say) {
  if (options.data !== undefined) yield* usableDirectory("--data", options.data);
  yield* say("starting five services on embedded databases, and a simulated model server");
  const directory = options.data ?? (yield* temporaryDirectory);
  const models = yield* Effect.acquireRelease(
    Effect.promise(() => startModelServer({ port: 0, seed: SEED, models: simulatedModels })),
    (server) => Effect.promise(() => server.close()),
  );
  const webhook = yield* Effect.acquireRelease(
    Effect.promise(() => startWebhookReceiver()),
    (receiver) => Effect.promise(() => receiver.close()),
  );
  const channels = yield* pagesTo(webhook.url);
  const people = { ci: newToken("ci"), operator: newToken("operator"), approver: newToken("approver") };
  const stack = yield* embeddedStack({
    directory,
    registry: { port: options.port, tokens: Object.values(people).map(({ grant }) => grant) },
    gateway: {
      port: 0,
      providers: { simulated: { baseUrl: models.baseUrl } },
      // The simulated server has no rate limit, and the demo's releases pass in seconds.
      maxMirroredPerSecond: 500,
    },
    // The simulated judge answers within milliseconds, and the demo's steps last seconds.
    controller: { judgementLagMs: 2_000 },
    shadowJudge: {},
    judge: { providers: {} },
    channels,
  }).pipe(Effect.mapError(startFailure));
  const as = (person: { token: string }): RegistryAddress => ({ url: stack.registryAddress, token: person.token });
  const stage: Stage & { gateway: string } = {
    ci: as(people.ci),
    operator: as(people.operator),
    approver: as(people.approver),
    models: models.baseUrl,
    gateway: `${stack.gatewayAddress}/v1`,
  };
  return { stage, pages: webhook };
});

/** Pages only: the demo's story tells the ends of its releases itself. */
const pagesTo = (url: string) =>
  Effect.fromResult(
    configuredChannels({ channels: [{ kind: "webhook", name: "webhook", url, notices: "none" }] }, {}),
  ).pipe(Effect.mapError(internalError));

const temporaryDirectory = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "sluice-demo-"))),
  (directory) => Effect.promise(() => rm(directory, { recursive: true, force: true })),
);

const newToken = (role: Role) => {
  const token = randomBytes(24).toString("base64url");
  return { token, grant: { tokenDigest: digestOfBytes(token), id: `demo ${role}`, role } };
};

const startUsers = Effect.fnUntraced(function* (gatewayUrl: string) {
  const abort = new AbortController();
  const tallies = new Map(demoApplications.map(({ application }) => [application, freshTally()]));
  const traffic = (application: DemoApplication) =>
    Effect.promise(() =>
      simulateUsers({
        ...application.users,
        tally: tallies.get(application.application) ?? freshTally(),
        gatewayUrl,
        application: application.application,
        seed: SEED,
        signal: abort.signal,
      }),
    );
  const fiber = yield* Effect.forkScoped(
    Effect.forEach(demoApplications, traffic, { concurrency: "unbounded" }).pipe(Effect.uninterruptible),
  );
  const stop = Effect.andThen(
    Effect.sync(() => abort.abort()),
    Fiber.join(fiber),
  );
  yield* Effect.addFinalizer(() => stop);
  /** What they have met so far: while they go on, and afterwards. */
  return { stop, tallies: (): ReadonlyArray<UsersTally> => [...tallies.values()] };
});

/** Each event of the record as a line. */
const narrate = (address: RegistryAddress, startedAt: number, say: Say) =>
  Stream.runForEach(registryStream(address, 0), (message) => {
    if (message._tag !== "Event" || !message.recorded.accepted) return Effect.void;
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1).padStart(5);
    const { event } = message.recorded;
    return say(`${seconds} s  ${event.application.padEnd(13)}  ${eventLine(event)}`);
  });

const closing = Effect.fnUntraced(function* (stage: Stage, outcomes: ReadonlyArray<Outcome>, pages: WebhookReceiver) {
  const audit = yield* readRegistry(stage.ci, "/v1/audit/verify", VerificationBody);
  // The analysts' table follows the record a moment later.
  const kpis = yield* readRegistry(stage.ci, "/v1/kpi", KpiBody).pipe(
    Effect.repeat({
      until: (body) => isComplete(body, outcomes),
      schedule: Schedule.max([Schedule.spaced("200 millis"), Schedule.recurs(50)]),
    }),
  );
  const proofs = yield* proofsOf(
    stage.ci,
    [...new Set(outcomes.map(({ application }) => application))],
    outcomes.map(({ releaseId }) => releaseId),
  );
  return { outcomes, audit, proofs, kpis, pages: [...pages.received] };
});

/** Whether every end of a release has reached its view. */
const isComplete = (kpis: typeof KpiBody.Type, outcomes: ReadonlyArray<Outcome>): boolean => {
  const ended = (phase: ReleasePhase) => outcomes.filter(({ phases }) => phases.at(-1) === phase).length;
  const sum = (rows: ReadonlyArray<Readonly<Record<string, unknown>>>, column: string) =>
    rows.reduce((total, row) => total + Number(row[column] ?? 0), 0);
  return (
    sum(kpis.kpi_lead_time, "releases") >= ended("completed") &&
    sum(kpis.kpi_overrides, "overridden") >= outcomes.filter(({ phases }) => phases.length > 1).length &&
    sum(kpis.kpi_rollbacks, "rolled_back") >= ended("rolled-back") &&
    sum(kpis.kpi_shadow_regressions, "regressed") >= ended("regressed")
  );
};

interface Summary {
  readonly outcomes: ReadonlyArray<Outcome>;
  readonly audit: typeof VerificationBody.Type;
  readonly proofs: Proofs;
  readonly kpis: typeof KpiBody.Type;
  readonly pages: ReadonlyArray<unknown>;
  /** So far, where they go on. */
  readonly users: ReadonlyArray<UsersTally>;
}

const report = Effect.fnUntraced(function* (options: DemoOptions, summary: Summary, say: Say) {
  if (options.json) return yield* printJson(summary);
  yield* say("\nhow they ended");
  for (const line of table(
    summary.outcomes.map(({ application, title, releaseId, phases }) => ({
      application,
      release: releaseId,
      change: title,
      ended: phases.join(", overridden, then "),
    })),
  ))
    yield* say(`  ${line}`);
  yield* say(`\npages received by the webhook: ${summary.pages.length}`);
  for (const page of summary.pages) yield* say(`  ${JSON.stringify(page)}`);
  const sent = summary.users.reduce((sum, tally) => sum + tally.sent, 0);
  const failed = summary.users.reduce((sum, tally) => sum + tally.failed, 0);
  yield* say(`\nusers${options.keep ? " so far" : ""}: ${sent} requests, ${failed} failed`);
  const { rows, faults, head } = summary.audit;
  yield* say(
    `\naudit: ${rows} rows, ${faults.length === 0 ? "unbroken chain" : `${faults.length} faults`}, head ${head}`,
  );
  yield* say("\nKPIs");
  for (const [view, kpiRows] of Object.entries(summary.kpis)) {
    if (view.endsWith("_by_team")) continue;
    yield* say(`  ${view}`);
    for (const line of table(kpiRows)) yield* say(`    ${line}`);
  }
});
