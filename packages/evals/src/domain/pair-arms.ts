import * as Result from "effect/Result";
import type { ArmResults, Cluster, ResultProblem } from "./arm-results.ts";
import type { ArmOutcome, CaseTable, ErroredCase, PairedCase } from "./case-table.ts";

/**
 * Pairs two arms by case id. Repeats are averaged first. A case in error in either arm is counted, never scored.
 * Fails when the arms disagree on a case's slice, because then they were not run on the same eval set.
 */
export const pairArms = (baseline: ArmResults, candidate: ArmResults): Result.Result<CaseTable, ResultProblem> => {
  const cases: Array<PairedCase> = [];
  const errored: Array<ErroredCase> = [];
  const onlyBaseline: Array<string> = [];
  for (const [caseId, old] of baseline.clusters) {
    const fresh = candidate.clusters.get(caseId);
    if (!fresh) {
      onlyBaseline.push(caseId);
      continue;
    }
    if (old.slice !== undefined && fresh.slice !== undefined && old.slice !== fresh.slice)
      return Result.fail({
        field: "slice",
        value: fresh.slice,
        problem: `of case ${caseId} in the candidate differs from "${old.slice}" in the baseline`,
        fix: "run both arms on the same eval set",
      });
    const safety = (old.safety || fresh.safety) ?? false;
    if (old.scored === 0 || fresh.scored === 0) {
      errored.push({ caseId, safety, message: old.firstError ?? fresh.firstError ?? "no usable result" });
      continue;
    }
    const slice = old.slice ?? fresh.slice ?? null;
    cases.push({ caseId, slice, safety, baseline: outcomeOf(old), candidate: outcomeOf(fresh) });
  }
  return Result.succeed({
    cases,
    errored,
    results: { total: baseline.results + candidate.results, errors: baseline.errors + candidate.errors },
    unpaired: {
      baseline: onlyBaseline,
      candidate: [...candidate.clusters.keys()].filter((caseId) => !baseline.clusters.has(caseId)),
    },
  });
};

const outcomeOf = (cluster: Cluster): ArmOutcome => {
  const score = cluster.scoreSum / cluster.scored;
  return { score, passed: (cluster.verdicts > 0 ? cluster.passes / cluster.scored : score) >= 0.5 };
};
