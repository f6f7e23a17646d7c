import { assert } from "@effect/vitest";
import * as Effect from "effect/Effect";
import type { Promises } from "./promises.fixture.ts";
import { at, pair, pairJudged } from "./rows.fixture.ts";

/** Texts of the shadow, for people to look at. */
export const pairsContract = (promises: Promises): void => {
  promises("gives the kept pairs of a release with what the judge said, the worst first, each once", (store) =>
    Effect.gen(function* () {
      const failed = { ...pair("failed", 4).candidate, output: "", errorClass: "upstream-5xx" as const };
      const pairs = [
        pair("same", 1),
        pair("lost", 2, { toolDivergence: { turn: 0, call: 1, kind: "extra-call" } }),
        pair("unjudged", 3),
        pair("failed", 4, { candidate: failed }),
        pair("for the judge alone", 5, { textsKept: false }),
        pair("of another release", 6, { releaseId: "rel-2" }),
        pair("of another application", 7, { application: "order-desk" }),
      ];
      yield* store.insertPairs(pairs);
      yield* store.insertPairs(pairs.slice(0, 3));
      const scores = [pairJudged("same", 1, 1), pairJudged("lost", 1, 0.25), pairJudged("failed", null, null)];
      yield* store.insertJudgements([...scores, ...scores]);
      const about = { application: "support-bot", releaseId: "rel-1" };
      const { kept, pairs: shown } = yield* store.pairs({ ...about, limit: 10 });
      assert.strictEqual(kept, 4);
      assert.deepStrictEqual(
        shown.map(({ pairId }) => pairId),
        ["lost", "same", "failed", "unjudged"],
      );
      assert.deepStrictEqual(shown[0], {
        pairId: "lost",
        at: at(2),
        input: "question lost",
        baseline: { output: "old lost", errorClass: null, latencyMs: 500.25 },
        candidate: { output: "new lost", errorClass: null, latencyMs: 1000.5 },
        toolDivergence: "extra-call",
        judgement: { baselineScore: 1, candidateScore: 0.25, error: null },
      });
      assert.deepStrictEqual(shown[2]?.judgement, { baselineScore: null, candidateScore: null, error: "no answer" });
      assert.strictEqual(shown[2]?.candidate.errorClass, "upstream-5xx");
      assert.isNull(shown[3]?.judgement);
      const few = yield* store.pairs({ ...about, limit: 1 });
      assert.deepStrictEqual([few.kept, few.pairs.length], [4, 1]);
      assert.deepStrictEqual(yield* store.pairs({ ...about, releaseId: "rel-9", limit: 10 }), { kept: 0, pairs: [] });
    }),
  );
};
