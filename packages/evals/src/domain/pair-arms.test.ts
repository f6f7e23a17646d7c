import { assert, it } from "@effect/vitest";
import * as Result from "effect/Result";
import { ArmResults } from "./arm-results.ts";
import type { CaseResult, Outcome } from "./case-result.ts";
import { pairArms } from "./pair-arms.ts";

const scored = (score: number, passed?: boolean): Outcome => ({ _tag: "Scored", score, passed });
const failedToJudge: Outcome = { _tag: "Errored", message: "judge timed out" };

const armOf = (...results: ReadonlyArray<Partial<CaseResult> & { readonly outcome: Outcome }>): ArmResults => {
  const arm = new ArmResults();
  for (const result of results) {
    const added = arm.add({ caseId: "c", repeat: 0, slice: undefined, safety: undefined, ...result });
    assert.isTrue(Result.isSuccess(added));
  }
  return arm;
};
const tableOf = (baseline: ArmResults, candidate: ArmResults) => Result.getOrThrow(pairArms(baseline, candidate));

it("averages repeats into one case", () => {
  const candidate = armOf(
    { repeat: 0, outcome: scored(1) },
    { repeat: 1, outcome: scored(0.5) },
    { repeat: 2, outcome: scored(0) },
  );
  const [only, ...others] = tableOf(armOf({ outcome: scored(1) }), candidate).cases;
  assert.deepStrictEqual(only?.candidate, { score: 0.5, passed: true });
  assert.deepStrictEqual(others, []);
});

it("lets the evaluation's own verdict decide, by the majority of the repeats", () => {
  const candidate = armOf(
    { repeat: 0, outcome: scored(0.9, false) },
    { repeat: 1, outcome: scored(0.9, false) },
    { repeat: 2, outcome: scored(0.9, true) },
  );
  assert.strictEqual(tableOf(armOf({ outcome: scored(1) }), candidate).cases[0]?.candidate.passed, false);
});

it("leaves errors out of the average, and a case out when an arm has nothing else", () => {
  const partly = armOf({ repeat: 0, outcome: failedToJudge }, { repeat: 1, outcome: scored(1) });
  const table = tableOf(armOf({ outcome: scored(0) }), partly);
  assert.strictEqual(table.cases[0]?.candidate.score, 1);
  assert.deepStrictEqual(table.results, { total: 3, errors: 1 });
  const wholly = tableOf(armOf({ outcome: scored(0), safety: true }), armOf({ outcome: failedToJudge }));
  assert.deepStrictEqual(wholly.cases, []);
  assert.deepStrictEqual(wholly.errored, [{ caseId: "c", safety: true, message: "judge timed out" }]);
});

it("keeps apart what only one arm has", () => {
  const table = tableOf(
    armOf({ caseId: "a", outcome: scored(1) }, { caseId: "b", outcome: scored(1) }),
    armOf({ caseId: "b", outcome: scored(1) }, { caseId: "c", outcome: scored(1) }),
  );
  assert.deepStrictEqual(table.unpaired, { baseline: ["a"], candidate: ["c"] });
});

it("is a safety case when either arm says so, and refuses arms that disagree on the slice", () => {
  const careful = tableOf(armOf({ outcome: scored(1), safety: true }), armOf({ outcome: scored(1), safety: false }));
  assert.strictEqual(careful.cases[0]?.safety, true);
  const refused = pairArms(armOf({ outcome: scored(1), slice: "a" }), armOf({ outcome: scored(1), slice: "b" }));
  assert.isTrue(Result.isFailure(refused));
});

it("refuses the same repeat twice", () => {
  const arm = armOf({ repeat: 1, outcome: scored(1) });
  const again = arm.add({ caseId: "c", repeat: 1, slice: undefined, safety: undefined, outcome: scored(0) });
  assert.isTrue(Result.isFailure(again));
});
