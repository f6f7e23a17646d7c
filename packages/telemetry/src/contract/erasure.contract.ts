import { assert } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import type { Promises } from "./promises.fixture.ts";
import { at, batchOf, observation, pair, query, response } from "./rows.fixture.ts";

const textsLeft = `SELECT toUInt32((SELECT count() FROM observation_texts WHERE input = 'my card number' AND output = 'is noted')) AS observed,
  toUInt32((SELECT count() FROM observation_texts
    WHERE cluster_key = 'ada' AND application = 'support-bot' AND ended_at <= '${at(10).slice(0, -1)}')) AS said,
  (SELECT any(error) FROM judgements) AS judged`;

/** Texts that must go. */
export const erasureContract = (promises: Promises): void => {
  promises("erases the texts of cluster keys until an instant, twice as once, and changes no figure", (store) =>
    Effect.gen(function* () {
      const texts = { input: "my card number", output: "is noted" };
      const failed = { ...response("late", 10, null, "baseline"), clusterKey: "ada", error: "the answer 'is noted'" };
      yield* store.insertObservations([
        batchOf([
          observation(5, { clusterKey: "ada", payload: texts }),
          observation(50, { clusterKey: "ada", payload: texts }),
          observation(6, { clusterKey: "bob", payload: texts }),
          observation(7, { clusterKey: "ada", application: "order-desk", payload: texts }),
        ]),
      ]);
      yield* store.insertJudgements([failed]);
      const kept = [pair("ada-1", 5), pair("ada-2", 50), pair("bob-1", 6)];
      yield* store.insertPairs(kept.map((one) => ({ ...one, clusterKey: one.pairId.slice(0, 3) })));
      const windows = yield* store.windows(query());
      const erasure = { application: "support-bot", clusterKeys: ["ada", "nobody"], until: at(10) };
      for (const _ of ["once", "again"])
        assert.deepStrictEqual(yield* store.eraseTexts(erasure), { observations: 1, judgements: 1 });
      assert.deepStrictEqual(yield* store.windows(query()), windows);
      const { pairs } = yield* store.pairs({ application: "support-bot", releaseId: "rel-1", limit: 10 });
      assert.deepStrictEqual(pairs.map(({ pairId }) => pairId).sort(), ["ada-2", "bob-1"]);
      // Only a store with SQL can be asked for what was left.
      const left = yield* Effect.option(store.query(textsLeft));
      if (Option.isSome(left)) assert.deepStrictEqual(left.value, [{ observed: 3, said: 0, judged: "erased" }]);
    }),
  );
};
