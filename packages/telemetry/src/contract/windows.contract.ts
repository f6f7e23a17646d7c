import { assert } from "@effect/vitest";
import { latencyBinOf, timestampOf } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import { emptyArmWindow } from "../windows.ts";
import type { Promises } from "./promises.fixture.ts";
import { arm, at, batchOf, digest, observation, probe, query, response } from "./rows.fixture.ts";

/** What a window counts, and of whom. */
export const windowsContract = (promises: Promises): void => {
  promises("windows without data are there, and empty", (store) =>
    Effect.gen(function* () {
      const windows = yield* store.windows(query());
      assert.deepStrictEqual(
        windows.map((window) => window.from),
        [at(0), at(60), at(120)],
      );
      assert.deepStrictEqual(windows[1], {
        from: at(60),
        baseline: emptyArmWindow,
        candidate: emptyArmWindow,
        probes: { sent: 0, failed: 0, confirmed: [] },
      });
    }),
  );

  promises("an observation counts in the window in which it ended, start inclusive, end exclusive", (store) =>
    Effect.gen(function* () {
      yield* store.insertObservations([
        batchOf([
          observation(0, { latencyMs: 1 }),
          observation(59.999),
          observation(60, { errorClass: "timeout", refused: null, latencyMs: 9_000 }),
          observation(60, { refused: true }),
          observation(60, { refused: null, latencyMs: 700 }),
          observation(61, { arm: "candidate", assignedBundle: digest("b"), servedBundle: digest("a") }),
          observation(180),
        ]),
      ]);
      const [first, second, third] = yield* store.windows(query());
      const bin = latencyBinOf(500.25);
      assert.deepStrictEqual(
        first?.baseline,
        arm({
          requests: 2,
          conversations: 2,
          answered: 2,
          latencyBins: [
            [0, 1],
            [bin, 1],
          ],
        }),
      );
      assert.deepStrictEqual(
        second?.baseline,
        arm({
          requests: 3,
          conversations: 3,
          errors: 1,
          answered: 1,
          refusals: 1,
          latencyBins: [
            [bin, 1],
            [latencyBinOf(700), 1],
          ],
        }),
      );
      assert.deepStrictEqual(
        second?.candidate,
        arm({ requests: 1, conversations: 1, answered: 1, wrongDigest: 1, latencyBins: [[bin, 1]] }),
      );
      assert.deepStrictEqual(third?.baseline, emptyArmWindow);
    }),
  );

  promises("probes, mirrored calls, other releases and other applications are kept apart", (store) =>
    Effect.gen(function* () {
      yield* store.insertObservations([
        batchOf([
          observation(1, { role: "probe" }),
          observation(1, { role: "shadow" }),
          observation(1, { releaseId: "rel-2" }),
          observation(1, { releaseId: null }),
          observation(1, { application: "other" }),
        ]),
      ]);
      const [first] = yield* store.windows(query());
      assert.deepStrictEqual(first?.baseline, emptyArmWindow);
    }),
  );

  promises("a redelivered batch changes nothing", (store) =>
    Effect.gen(function* () {
      const batch = batchOf([observation(1), observation(2, { arm: "candidate" })]);
      const scores = [response("r1", 1, 0.5, "baseline"), probe("x", 2, true)];
      yield* store.insertObservations([batch]);
      yield* store.insertJudgements(scores);
      const before = yield* store.windows(query());
      yield* store.insertObservations([batch, batch]);
      yield* store.insertJudgements([...scores, ...scores]);
      assert.deepStrictEqual(yield* store.windows(query()), before);
    }),
  );

  promises("scores fall into the window of the judged response, probes into that of their judgement", (store) =>
    Effect.gen(function* () {
      yield* store.insertJudgements([
        response("r1", 10, 0.5, "baseline"),
        response("r2", 20, 1, "baseline"),
        response("r3", 30, null, "baseline"),
        response("r4", 70, 0.25, "candidate"),
        probe("a", 5, true),
        probe("b", 6, false),
        probe("c", 7, false, true),
        probe("d", 8, null),
      ]);
      const [first, second] = yield* store.windows(query());
      assert.deepStrictEqual(first?.baseline.quality, { n: 2, sum: 1.5, sumSquares: 1.25 });
      assert.deepStrictEqual(second?.candidate.quality, { n: 1, sum: 0.25, sumSquares: 0.0625 });
      assert.deepStrictEqual(first?.probes, { sent: 3, failed: 2, confirmed: ["case-c"] });
    }),
  );

  promises("a query that is not on window boundaries, or too long, is refused", (store) =>
    Effect.gen(function* () {
      const odd = yield* Effect.flip(store.windows(query({ from: at(1) })));
      assert.strictEqual(odd.operation, "query");
      const long = yield* Effect.flip(store.windows(query({ from: timestampOf(0), windowSeconds: 1 })));
      assert.match(long.message, /may span/);
    }),
  );
};
