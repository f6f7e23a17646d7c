import { assert } from "@effect/vitest";
import { latencyBinOf } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import type { WindowQuery } from "../telemetry-store.ts";
import type { Promises } from "./promises.fixture.ts";
import { arm, at, batchOf, digest, observation, query, response } from "./rows.fixture.ts";

/** Who counts once, however often they come. */
export const unitsContract = (promises: Promises): void => {
  promises("a conversation counts once, on the arm and in the window where it was first seen", (store) =>
    Effect.gen(function* () {
      const back = { clusterKey: "returning" };
      yield* store.insertObservations([
        batchOf([
          observation(5, back),
          observation(70, { ...back, arm: "candidate" }),
          observation(130, back),
          observation(130, { clusterKey: "new", arm: "candidate" }),
        ]),
      ]);
      const conversations = (since: string) =>
        Effect.map(store.windows(query({ conversationsSince: since })), (windows) =>
          windows.map((window) => [window.baseline.conversations, window.candidate.conversations]),
        );
      assert.deepStrictEqual(yield* conversations(at(0)), [
        [1, 0],
        [0, 0],
        [0, 1],
      ]);
      assert.deepStrictEqual(yield* conversations(at(60)), [
        [0, 0],
        [0, 1],
        [0, 1],
      ]);
    }),
  );

  promises(
    "a unit is a cluster's first request on an arm, in the window where that ended, whatever comes after",
    (store) =>
      Effect.gen(function* () {
        const one = { clusterKey: "one" };
        const failed = { errorClass: "timeout", refused: null, latencyMs: 9_000 } as const;
        const batch = batchOf([
          observation(70, { ...one, ...failed }),
          observation(10, { ...one, latencyMs: 200 }),
          observation(71, { refused: true }),
          observation(72, { ...failed, clusterKey: "two" }),
          // A retry of the same conversation is no second attempt that counts.
          observation(73, { clusterKey: "two" }),
          observation(74, { ...one, arm: "candidate", refused: null }),
        ]);
        yield* store.insertObservations([batch]);
        const [first, second] = yield* store.windows(query());
        // Each request was one of its own: the units are left out.
        assert.deepStrictEqual(
          first?.baseline,
          arm({ requests: 1, conversations: 1, answered: 1, latencyBins: [[latencyBinOf(200), 1]] }),
        );
        const bin = latencyBinOf(500.25);
        assert.deepStrictEqual(
          second?.baseline,
          arm({
            requests: 4,
            conversations: 2,
            errors: 2,
            answered: 2,
            refusals: 1,
            latencyBins: [[bin, 2]],
            units: { n: 2, errors: 1, answered: 1, refusals: 1, latencyBins: [[bin, 1]] },
          }),
        );
        assert.deepStrictEqual(second?.candidate, arm({ requests: 1, latencyBins: [[bin, 1]] }));
        yield* store.insertObservations([batch]);
        assert.deepStrictEqual((yield* store.windows(query()))[1], second);
        // The same from where the earlier windows are known already.
        assert.deepStrictEqual((yield* store.windows(query({ from: at(60) })))[0], second);
      }),
  );

  promises(
    "a client that left says nothing of the arm: no request, error, answer or latency, but a conversation",
    (store) =>
      Effect.gen(function* () {
        const left = { status: 499, refused: null, latencyMs: 3 } as const;
        yield* store.insertObservations([
          batchOf([
            observation(1, { ...left, clusterKey: "one" }),
            observation(2, left),
            // A stream may have begun, and a refusal may have been read.
            observation(3, { ...left, refused: true }),
            observation(4),
            observation(5, { ...left, arm: "candidate", assignedBundle: digest("b") }),
            // The provider's own 499 is an error like any other.
            observation(6, { ...left, arm: "candidate", errorClass: "upstream-4xx" }),
            observation(65, { clusterKey: "one" }),
          ]),
        ]);
        const [first, second] = yield* store.windows(query());
        assert.deepStrictEqual(
          first?.baseline,
          arm({ requests: 1, conversations: 4, answered: 1, latencyBins: [[latencyBinOf(500.25), 1]] }),
        );
        assert.deepStrictEqual(first?.candidate, arm({ requests: 1, conversations: 2, errors: 1, wrongDigest: 1 }));
        // A first request that was left is what the conversation counts by, as a first error would be.
        assert.strictEqual(second?.baseline.units?.n, 0);
      }),
  );

  promises("units start anew with the step, and once more when its share has settled", (store) =>
    Effect.gen(function* () {
      const one = { clusterKey: "one" };
      yield* store.insertObservations([batchOf([5, 65, 80, 125].map((seconds) => observation(seconds, one)))]);
      const units = (changes: Partial<WindowQuery>) =>
        Effect.map(store.windows(query(changes)), (windows) =>
          windows.map(({ baseline }) => baseline.units?.n ?? baseline.requests),
        );
      assert.deepStrictEqual(yield* units({}), [1, 0, 0]);
      assert.deepStrictEqual(yield* units({ conversationsSince: at(70) }), [1, 1, 0]);
      assert.deepStrictEqual(yield* units({ unitsSince: at(60), conversationsSince: at(70) }), [0, 2, 0]);
      assert.deepStrictEqual(yield* units({ unitsSince: at(120), conversationsSince: at(120) }), [0, 0, 1]);
    }),
  );

  promises("of a cluster the first score counts, on each arm", (store) =>
    Effect.gen(function* () {
      yield* store.insertJudgements([
        response("r2", 70, 0.25, "baseline", "one"),
        response("r1", 10, 0.5, "baseline", "one"),
        response("r0", 5, null, "baseline", "one"),
        response("r3", 75, 1, "candidate", "one"),
        response("r4", 76, 1, "candidate"),
      ]);
      const [first, second] = yield* store.windows(query());
      assert.deepStrictEqual(first?.baseline.quality, { n: 1, sum: 0.5, sumSquares: 0.25 });
      assert.strictEqual(second?.baseline.quality.n, 0);
      assert.strictEqual(second?.candidate.quality.n, 2);
    }),
  );
};
