import { assert, it } from "@effect/vitest";
import { digestOfBytes, Policy, timestampOf } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { Evaluator, type EvidenceJob } from "../application/evaluator.ts";
import { layerThread } from "./evaluation-thread.ts";

const bundle = (name: string) => ({ bundle: digestOfBytes(name), results: digestOfBytes(`${name} results`) });

const job = (cases: number, candidate: (index: number) => number): EvidenceJob => ({
  evidence: {
    evalSet: digestOfBytes("set"),
    producedAt: timestampOf(0),
    baseline: bundle("old"),
    candidate: bundle("new"),
  },
  policy: Schema.decodeUnknownSync(Policy)({}).offline,
  baseline: results(cases, (i) => (i % 9) / 8),
  candidate: results(cases, candidate),
  maxCases: 1_000_000,
  maxResultBytes: 512 * 1_048_576,
});

const results = (cases: number, score: (index: number) => number): Uint8Array =>
  Buffer.from(
    Array.from({ length: cases }, (_, i) =>
      JSON.stringify({ case_id: `c${i}`, slice: `s${i % 50}`, score: score(i) }),
    ).join("\n"),
  );

const evaluate = (evidence: EvidenceJob) => Effect.flatMap(Evaluator, (evaluator) => evaluator.evaluate(evidence));

it.live("the thread's report is the same, byte for byte, as one made in place", () =>
  Effect.gen(function* () {
    const given = job(2_000, (i) => ((i * 5) % 9) / 8);
    const apart = yield* Effect.provide(evaluate(given), layerThread);
    const inPlace = yield* Effect.provide(evaluate(given), Evaluator.layerInline);
    assert.strictEqual(JSON.stringify(apart), JSON.stringify(inPlace));
  }),
);

it.live("the process goes on while 100,000 cases are evaluated", () =>
  Effect.gen(function* () {
    const given = job(100_000, (i) => ((i * 7) % 9) / 8);
    const before = performance.eventLoopUtilization();
    const report = yield* Effect.provide(evaluate(given), layerThread);
    assert.strictEqual(report.cases.paired, 100_000);
    // In place the loop is busy all the time; here it hands the files over and waits.
    assert.isBelow(performance.eventLoopUtilization(before).utilization, 0.5);
  }),
);

it.live("an evaluation that is interrupted ends its thread", () =>
  Effect.gen(function* () {
    const given = job(100_000, (i) => ((i * 7) % 9) / 8);
    const ended = yield* Effect.provide(evaluate(given), layerThread).pipe(Effect.timeoutOption("50 millis"));
    assert.strictEqual(ended._tag, "None");
  }),
);
