import { assert } from "@effect/vitest";
import { latencyBinOf } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import type { Promises } from "./promises.fixture.ts";
import { at, batchOf, observation, response } from "./rows.fixture.ts";

/** How far observations have come in, and what they add up to. */
export const trafficContract = (promises: Promises): void => {
  promises("the watermark of a gateway is its highest, whatever comes late", (store) =>
    Effect.gen(function* () {
      yield* store.insertObservations([batchOf([], at(60)), batchOf([], at(61), "gw-2"), batchOf([], at(90))]);
      yield* store.insertObservations([batchOf([], at(60))]);
      const marks = yield* store.watermarks("support-bot");
      assert.deepStrictEqual([...marks].sort(), [
        ["gw-1", at(90)],
        ["gw-2", at(61)],
      ]);
      assert.strictEqual((yield* store.watermarks("other")).size, 0);
    }),
  );

  promises("an application's traffic is told as a whole: every release and arm, users only, in the span", (store) =>
    Effect.gen(function* () {
      const span = { application: "support-bot", from: at(0), to: at(120), unitSeconds: 60 };
      const nothing = yield* store.traffic(span);
      assert.deepStrictEqual([nothing.firstAt, nothing.requests, nothing.units], [null, 0, 0]);
      yield* store.insertObservations([
        batchOf([
          observation(0, { role: "shadow", arm: "candidate" }),
          observation(5, { clusterKey: "often", releaseId: null }),
          observation(10, { clusterKey: "often", refused: true }),
          observation(70, { clusterKey: "often", releaseId: "rel-2", arm: "candidate" }),
          observation(80, { errorClass: "timeout", refused: null }),
          observation(90, { status: 499, refused: null }),
          observation(120),
          observation(30, { application: "other" }),
        ]),
      ]);
      yield* store.insertJudgements([response("a", 10, 0.5, "baseline"), response("b", 130, 1, "baseline")]);
      const bin = latencyBinOf(500.25);
      assert.deepStrictEqual(yield* store.traffic(span), {
        firstAt: at(5),
        requests: 4,
        units: 3,
        errors: 1,
        answered: 3,
        refusals: 1,
        latencyBins: [[bin, 3]],
        quality: { n: 1, sum: 0.5, sumSquares: 0.25 },
      });
    }),
  );
};
