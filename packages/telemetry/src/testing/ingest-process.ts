import assert from "node:assert/strict";
import { type Observation, type ObservationsRecorded, timestampOf } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import * as Schedule from "effect/Schedule";
import { selectWindows } from "../clickhouse/select-windows.ts";
import { openClickHouse } from "../clickhouse-telemetry-store.ts";

// A process that ingests until it is killed. `node ingest-process.ts DIRECTORY START_MS ACKNOWLEDGED`: first it checks what
// the process before it left, of which that many batches were acknowledged; then it says "verified" and goes on, with one
// line for each batch that was acknowledged.

const [path = "", start = "", acknowledgedBefore = ""] = process.argv.slice(2);
const startMs = Number(start);
const acknowledged = Number(acknowledgedBefore);
const ROWS = 200;
const MINUTES = 30;

const digest = `sha256:${"a".repeat(64)}`;
const batch = (index: number): ObservationsRecorded => ({
  _tag: "ObservationsRecorded",
  batchId: `gw-1/${index}`,
  gatewayId: "gw-1",
  application: "support-bot",
  through: timestampOf(startMs + index),
  observations: Array.from({ length: ROWS }, (_, row): Observation => {
    const endedAt = timestampOf(startMs + (((index * 7 + row) % MINUTES) * 60_000 + row * 3));
    return {
      observationId: `row-${index}-${row}`,
      application: "support-bot",
      releaseId: "rel-1",
      arm: row % 2 === 0 ? "baseline" : "candidate",
      role: "user",
      assignedBundle: digest,
      servedBundle: digest,
      clusterKey: `cluster-${index}-${row >> 1}`,
      gatewayId: "gw-1",
      startedAt: endedAt,
      endedAt,
      streamed: false,
      status: 200,
      errorClass: row % 13 === 0 ? "timeout" : null,
      latencyMs: 100 + row,
      timeToFirstTokenMs: null,
      inputTokens: 10,
      outputTokens: 20,
      finishReason: "stop",
      refused: row % 13 === 0 ? null : row % 17 === 0,
    };
  }),
});

const window = {
  application: "support-bot",
  releaseId: "rel-1",
  from: timestampOf(startMs),
  to: timestampOf(startMs + MINUTES * 60_000),
  windowSeconds: 60,
  unitsSince: timestampOf(startMs),
  conversationsSince: timestampOf(startMs),
};
const endMs = startMs + MINUTES * 60_000;

const say = (line: string) => process.stdout.write(`${line}\n`);

await Effect.runPromise(
  Effect.scoped(
    Effect.gen(function* () {
      const timing = { lagMs: 0, lateMs: 0, settleMs: 10_000, quietMs: 0 };
      const { store, rollUp, clients } = yield* openClickHouse({ path }, timing);
      const rowsThere = Effect.map(
        store.query(
          `SELECT count() AS all, uniqExact(observation_id) AS distinct,
            countIf(toUInt32(splitByChar('-', observation_id)[2]) < {acknowledged:UInt32}) AS acknowledged
          FROM observations FINAL`,
          { acknowledged },
        ),
        ([row]) => row ?? assert.fail("no answer"),
      );
      const raw = selectWindows(clients.reader, window, 0);

      const found = yield* rowsThere;
      assert.equal(found.acknowledged, acknowledged * ROWS, "acknowledged rows that are there");
      assert.equal(found.all, found.distinct, "rows that are there twice");
      assert.deepEqual(yield* store.windows(window), yield* raw, "windows on opening");
      yield* rollUp;
      assert.deepEqual(yield* selectWindows(clients.reader, window, endMs), yield* raw, "rollup on opening");

      // What was not acknowledged comes again, and some of what was.
      for (let index = Math.max(0, acknowledged - 3); index <= acknowledged; index++)
        yield* store.insertObservations([batch(index)]);
      const after = yield* rowsThere;
      assert.equal(after.all, (acknowledged + 1) * ROWS, "rows after the retry");
      assert.equal(after.all, after.distinct, "rows that are there twice after the retry");
      yield* rollUp;
      const windows = yield* selectWindows(clients.reader, window, endMs);
      assert.deepEqual(windows, yield* raw, "rollup after the retry");
      const requests = windows.reduce(
        (sum, { baseline, candidate }) => sum + baseline.requests + candidate.requests,
        0,
      );
      assert.equal(requests, (acknowledged + 1) * ROWS, "requests in the rollup after the retry");
      say(`verified ${acknowledged + 1}`);

      yield* Effect.forkScoped(Effect.repeat(rollUp, Schedule.spaced("10 millis")));
      for (let index = acknowledged + 1; ; index++) {
        yield* store.insertObservations([batch(index)]);
        say(`acknowledged ${index + 1}`);
      }
    }),
  ),
);
