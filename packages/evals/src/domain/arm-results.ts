import * as Result from "effect/Result";
import type { CaseResult } from "./case-result.ts";

/** Why a result cannot be added to its arm: what is wrong and what to do. */
export interface ResultProblem {
  readonly field: string;
  readonly value: string;
  readonly problem: string;
  readonly fix: string;
}

/** What a case was asked and one arm's answer to it (its first repeat's). */
export interface CaseText {
  readonly input: string | undefined;
  readonly output: string | undefined;
}

/** Longest piece of an input or output that is kept. */
const MAX_TEXT_LENGTH = 4_000;

/** All repeats of one case in one arm. */
export interface Cluster {
  readonly caseId: string;
  slice: string | undefined;
  safety: boolean | undefined;
  /** Nearly all cases have one repeat: a set for each would be the largest part of the table. */
  firstRepeat: number | undefined;
  otherRepeats: Set<number> | undefined;
  scored: number;
  scoreSum: number;
  /** Repeats that carried `passed`, and how many repeats pass in either way of telling. */
  verdicts: number;
  passes: number;
  errors: number;
  firstError: string | undefined;
}

/**
 * Collects one arm's results case by case. It is filled while a file streams by, so that 100,000 cases need no second
 * copy; nothing else may change it afterwards.
 */
export class ArmResults {
  readonly clusters = new Map<string, Cluster>();
  /** Only of the cases that were wanted: the texts of all would be the largest part by far. */
  readonly texts = new Map<string, CaseText>();
  results = 0;
  errors = 0;
  readonly #wanted: ReadonlySet<string>;

  constructor(wanted: ReadonlySet<string> = new Set()) {
    this.#wanted = wanted;
  }

  add(result: CaseResult): Result.Result<void, ResultProblem> {
    const cluster = this.clusters.get(result.caseId) ?? emptyCluster(result.caseId);
    if (cluster.firstRepeat === result.repeat || cluster.otherRepeats?.has(result.repeat))
      return Result.fail({
        field: "case_id",
        value: result.caseId,
        problem: `is there twice with repeat ${result.repeat}`,
        fix: "give each case one line, or number its repeats 0, 1, 2 … in the field repeat",
      });
    if (result.slice !== undefined && cluster.slice !== undefined && cluster.slice !== result.slice)
      return Result.fail({
        field: "slice",
        value: result.slice,
        problem: `differs from slice "${cluster.slice}" of an earlier repeat of case ${result.caseId}`,
        fix: "give all repeats of a case the same slice",
      });
    this.clusters.set(result.caseId, cluster);
    if (cluster.firstRepeat === undefined) cluster.firstRepeat = result.repeat;
    else {
      cluster.otherRepeats ??= new Set();
      cluster.otherRepeats.add(result.repeat);
    }
    cluster.slice ??= result.slice;
    // One repeat that says "safety" makes the case one: the stricter reading loses no safety case.
    cluster.safety = cluster.safety || result.safety;
    this.results++;
    if (this.#wanted.has(result.caseId) && !this.texts.has(result.caseId))
      this.texts.set(result.caseId, {
        input: result.input?.slice(0, MAX_TEXT_LENGTH),
        output: result.output?.slice(0, MAX_TEXT_LENGTH),
      });
    if (result.outcome._tag === "Errored") {
      this.errors++;
      cluster.errors++;
      cluster.firstError ??= result.outcome.message;
      return Result.void;
    }
    const { score, passed } = result.outcome;
    cluster.scored++;
    cluster.scoreSum += score;
    if (passed !== undefined) cluster.verdicts++;
    if (passed ?? score >= 0.5) cluster.passes++;
    return Result.void;
  }
}

const emptyCluster = (caseId: string): Cluster => ({
  caseId,
  slice: undefined,
  safety: undefined,
  firstRepeat: undefined,
  otherRepeats: undefined,
  scored: 0,
  scoreSum: 0,
  verdicts: 0,
  passes: 0,
  errors: 0,
  firstError: undefined,
});
