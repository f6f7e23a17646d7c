import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, it } from "@effect/vitest";
import { ArtifactStore } from "@sluice/artifact-store";
import { evaluateCanary } from "@sluice/canary-controller/domain/evaluate-canary";
import {
  type ArmWindow,
  type CanaryWindow,
  canonicalJson,
  digestOf,
  type OfflineEvidence,
  Policy,
  type ReleaseEvent,
  releasesTopic,
  type ShadowInputs,
  timestampOf,
} from "@sluice/contracts";
import { EventBus } from "@sluice/event-bus";
import { replayGate } from "@sluice/gate/replay-gate";
import { registryService } from "@sluice/registry";
import { ports, tokens } from "@sluice/registry/testing/registry-in-memory";
import { type ApplicationState, decide, evolve, initialState, type ReleaseCommand } from "@sluice/release";
import { author, bundle } from "@sluice/release/testing/samples";
import { evaluateShadow } from "@sluice/shadow-judge/domain/evaluate-shadow";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { afterAll } from "vitest";
import { until } from "../support/registry.ts";
import { sluice } from "../support/sluice-process.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-replay-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 0, 5, 8);
const at = (hours: number) => timestampOf(START_MS + hours * HOUR_MS);
const application = "support-bot";
const followed = Schema.decodeUnknownSync(Policy)({
  canary: { steps: [{ share: 1, holdSeconds: 1_800, minRequests: 10 }] },
});

/** 400 cases, of which the candidate fails `worse` that the baseline passes. */
const results = (worse: number, latencyMs: number) =>
  Array.from({ length: 400 }, (_, n) =>
    JSON.stringify({
      case_id: `case-${n}`,
      slice: n % 2 ? "odd" : "even",
      score: n < worse ? 0 : 1,
      latency_ms: latencyMs,
    }),
  ).join("\n");

const window = (minute: number): CanaryWindow => {
  const arm: ArmWindow = {
    requests: 20,
    conversations: 20,
    errors: 0,
    answered: 20,
    refusals: 0,
    latencyBins: [[150, 20]],
    quality: { n: 5, sum: 4, sumSquares: 3.3 },
    wrongDigest: 0,
  };
  const nobody = {
    ...arm,
    requests: 0,
    conversations: 0,
    answered: 0,
    latencyBins: [],
    quality: { n: 0, sum: 0, sumSquares: 0 },
  };
  const from = timestampOf(START_MS + 4 * HOUR_MS + minute * 60_000);
  return { from, step: 0, share: 1, baseline: nobody, candidate: arm, probes: { sent: 0, failed: 0, confirmed: [] } };
};

/** The record of two releases, each decision made by the function that decides in the service: one passes all, one is blocked. */
const recorded = Effect.gen(function* () {
  const artifacts = yield* ArtifactStore;
  const log: Array<ReleaseEvent> = [];
  let state: ApplicationState = initialState(application);
  const carryOut = (command: ReleaseCommand) => {
    for (const event of Result.getOrThrow(decide(state, command))) {
      log.push(event);
      state = evolve(state, event);
    }
  };
  carryOut({ _tag: "RegisterApplication", application, baseline: bundle("old"), author: author("admin"), at: at(0) });
  const baseline = yield* artifacts.put(results(0, 200));

  const request = Effect.fnUntraced(function* (releaseId: string, worse: number, hour: number) {
    const candidate = bundle(releaseId);
    const evidence: OfflineEvidence = {
      evalSet: digestOf("cases"),
      producedAt: at(0),
      baseline: { bundle: state.baseline?.digest ?? "", results: baseline },
      candidate: { bundle: candidate.digest, results: yield* artifacts.put(results(worse, 150)) },
    };
    const said = { author: author("ci"), team: "support", description: "", commit: null, link: null, mergedAt: null };
    carryOut({
      _tag: "RequestRelease",
      application,
      releaseId,
      candidate,
      policy: followed,
      evidence,
      ...said,
      at: at(hour),
    });
    const release = state.active ?? assert.fail(`${releaseId} is not active`);
    carryOut({ _tag: "RecordGateReport", application, releaseId, report: yield* replayGate(release), at: at(hour) });
  });

  yield* request("good", 0, 1);
  const releaseId = "good";
  carryOut({ _tag: "StartShadow", application, releaseId, at: at(1) });
  const inputs: ShadowInputs = {
    kind: "shadow-inputs",
    version: 1,
    judge: digestOf(followed.judge),
    startedAt: at(1),
    decidedAt: at(3),
    pairs: 300,
    judgeErrors: 0,
    candidateErrors: 0,
    requests: 300,
    mirrorDropped: 0,
    scores: Array.from({ length: 300 }, (_, n) => (n % 2 ? [0.5, 0.75] : [0.75, 0.5])),
  };
  const shadow = evaluateShadow(inputs, followed, yield* artifacts.put(canonicalJson(inputs)));
  if (shadow.decision === "wait") return assert.fail("the shadow waits");
  carryOut({
    _tag: "RecordShadowVerdict",
    application,
    releaseId,
    verdict: shadow.decision,
    evidence: shadow.evidence,
    at: at(3),
  });
  carryOut({ _tag: "StartCanary", application, releaseId, at: at(4) });
  const windows = Array.from({ length: 30 }, (_, minute) => window(minute));
  const { evidence } = evaluateCanary(followed.canary, windows, 0) ?? assert.fail("no evidence");
  carryOut({ _tag: "AdvanceCanary", application, releaseId, evidence, at: at(4.6) });
  yield* request("worse", 10, 20);
  return { log, results: baseline, types: log.map(({ _tag }) => _tag) };
});

it.live(
  "decisions are run again from the record, and by another policy, over one release and over a period",
  () =>
    Effect.gen(function* () {
      const { log, results: erased, types } = yield* recorded;
      assert.deepStrictEqual(
        types.filter((type) => /^(Offline|ShadowP|ShadowR|CanaryStepP)/.test(type)),
        ["OfflineGatePassed", "ShadowPassed", "CanaryStepPassed", "OfflineGateBlocked"],
      );
      yield* (yield* EventBus).publish(releasesTopic, log);
      const { address } = yield* registryService({ port: 0, tokens });
      const environment = { SLUICE_URL: address, SLUICE_TOKEN: "token-of-admin" };
      const replay = async (...args: ReadonlyArray<string>) => {
        const { code, stdout, stderr } = await sluice(["audit", "replay", ...args], environment);
        return { code, stderr, said: stdout ? (JSON.parse(stdout) as Record<string, unknown>) : {} };
      };
      const file = (name: string, content: string) => {
        writeFileSync(join(folder, name), content);
        return join(folder, name);
      };
      const looser = "offline: { headlineAlpha: 0.00001, sliceSigmas: 10 }";
      const other = file(
        "other.yaml",
        `{ ${looser}, shadow: { minPairs: 5000 }, canary: { steps: [{ share: 1, holdSeconds: 1800, minRequests: 100000 }] } }`,
      );
      const staged = file(
        "sluice.yaml",
        `version: 1\napplication: support-bot\nteam: support\nbundle: { prompt: p, model: { provider: local, model: m } }\nenvironments: { staging: { policy: { ${looser} } } }`,
      );
      yield* Effect.promise(async () => {
        const headers = { authorization: "Bearer token-of-admin" };
        const rows = () => fetch(`${address}/v1/audit/rows?after=0`, { headers }).then((answer) => answer.text());
        await until(rows, (text) => text.includes("OfflineGateBlocked"), 20);

        const [same, one, period, staging, organisation, none] = await Promise.all([
          replay("--since", at(0), "--json"),
          replay("good", "--policy", other, "--json"),
          replay("--since", at(0), "--until", at(30), "--policy", other, "--json"),
          replay("worse", "--policy", staged, "--environment", "staging", "--json"),
          replay("good", "--policy", file("organisation.yaml", `version: 1\npolicy: { ${looser} }`)),
          replay("nobody", "--application", application),
        ]);
        assert.deepStrictEqual([same.code, same.stderr], [0, ""]);
        assert.deepInclude(same.said, { decisions: 4, same: 4, different: 0, missing: 0 });
        const waits = [
          { recorded: "ShadowPassed", replayed: "(waits)", count: 1 },
          { recorded: "CanaryStepPassed", replayed: "(waits)", count: 1 },
        ];
        const passes = { recorded: "OfflineGatePassed", replayed: "OfflineGatePassed", count: 1 };
        const lets = { recorded: "OfflineGateBlocked", replayed: "OfflineGatePassed", count: 1 };
        assert.deepInclude(one.said, { decisions: 3, same: 1, different: 2, missing: 0, outcomes: [passes, ...waits] });
        assert.deepInclude(period.said, {
          decisions: 4,
          same: 1,
          different: 3,
          missing: 0,
          outcomes: [passes, ...waits, lets],
        });
        assert.strictEqual(staging.stderr, "");
        assert.deepInclude(staging.said, { decisions: 1, different: 1, outcomes: [lets] });
        assert.deepStrictEqual([one.code, period.code, staging.code, organisation.code, none.code], [0, 0, 0, 2, 2]);
        assert.match(organisation.stderr, /organisation\.yaml names no application: by itself it is in force nowhere/);
        assert.match(none.stderr, /release nobody in support-bot has no decision on record/);

        // What an erased artifact decided cannot be decided again, and is told so.
        const asked = ["--artifact", erased, "--user", "ada", "--reason", "ticket 4711", "--json"];
        const erasure = await sluice(["erase", application, ...asked], environment);
        assert.strictEqual(erasure.code, 0, erasure.stderr);
        assert.notInclude(erasure.stdout, '"ada"');
        const left = await replay("good", "--json");
        assert.strictEqual(left.code, 4);
        assert.deepInclude(left.said, { decisions: 3, same: 2, different: 0, missing: 1 });
        assert.match(left.stderr, /cannot be run again: its inputs \(sha256:[0-9a-f]{64}\) were erased/);
      });
    }).pipe(Effect.scoped, Effect.provide(ports)),
  120_000,
);
