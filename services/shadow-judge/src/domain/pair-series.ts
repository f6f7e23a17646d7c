import type { Digest, JudgeReport, PairJudged, Policy, ShadowInputs, Timestamp } from "@sluice/contracts";
import { type HybridState, hybrid } from "@sluice/statistics";

/**
 * A conversation is tested once it is this many pairs old in the log: long enough for most of its turns to be in its
 * average, short enough (a second or a minute of traffic) that a regression is still seen early.
 */
export const CONVERSATION_CLOSES_AFTER_PAIRS = 100;

interface Conversation {
  readonly opened: number;
  pairs: number;
  baselineSum: number;
  candidateSum: number;
}

type Scores = readonly [baseline: number, candidate: number];
type Judged = Pick<
  PairJudged,
  "pairId" | "clusterKey" | "candidateFailed" | "baselineScore" | "candidateScore" | "orderChanged" | "error"
>;

/**
 * The judged pairs of one release under one judge, folded in the order of the log: what comes out depends on nothing else,
 * so a restart that folds the log again comes to the same numbers. A pair that was folded before changes nothing.
 */
export class PairSeries {
  readonly #seen = new Set<string>();
  readonly #open = new Map<string, Conversation>();
  readonly #closed = new Set<string>();
  readonly #tested: Array<Scores> = [];
  #pairs = 0;
  #judgeErrors = 0;
  #candidateErrors = 0;
  #orders = { asked: 0, changed: 0 };
  #running: { readonly test: HybridState; readonly tested: number; readonly rejected: boolean } | null = null;

  has(pairId: string): boolean {
    return this.#seen.has(pairId);
  }

  add(judged: Judged): void {
    if (this.#seen.has(judged.pairId)) return;
    this.#seen.add(judged.pairId);
    if (judged.error !== null) this.#judgeErrors += 1;
    if (judged.baselineScore === null || judged.candidateScore === null) return;
    if (judged.candidateFailed) this.#candidateErrors += 1;
    this.#pairs += 1;
    if (judged.orderChanged !== undefined)
      this.#orders = { asked: this.#orders.asked + 1, changed: this.#orders.changed + Number(judged.orderChanged) };
    this.#addScores(judged.clusterKey, judged.baselineScore, judged.candidateScore);
    this.#closeOld();
  }

  /** How steady the judge's preference was; null where it was never asked in both orders. */
  get orders() {
    return this.#orders.asked === 0 ? null : this.#orders;
  }

  get counts() {
    return {
      requests: this.#seen.size,
      pairs: this.#pairs,
      judgeErrors: this.#judgeErrors,
      candidateErrors: this.#candidateErrors,
      /** Independent differences: those tested, and those that would be if the shadow ended now. */
      conversations: this.#tested.length + this.#open.size,
    };
  }

  /** Whether the conversations that are closed so far show a regression. Each is looked at once. */
  rejects(policy: Policy["shadow"]): boolean {
    const running = this.#running ?? { test: initialTest(policy), tested: 0, rejected: false };
    if (running.tested === this.#tested.length) return running.rejected;
    const differences = this.#tested.slice(running.tested).map(differenceOf);
    const test = hybrid.update(running.test, { differences });
    this.#running = { test, tested: this.#tested.length, rejected: hybrid.evidence(test).rejected };
    return this.#running.rejected;
  }

  /**
   * All that a decision depends on. A verdict that ends the shadow tests the open conversations as well; a regression
   * rests on those closed so far.
   */
  inputs(at: {
    judge: Digest;
    startedAt: Timestamp;
    decidedAt: Timestamp;
    mirrorDropped: number;
    judgeReport: JudgeReport | null;
    open: "tested" | "left-out";
  }): ShadowInputs {
    const { judge, startedAt, decidedAt, mirrorDropped, judgeReport } = at;
    const { requests, pairs, judgeErrors, candidateErrors } = this.counts;
    const open = at.open === "tested" ? [...this.#open.values()].map(scoresOf) : [];
    return {
      kind: "shadow-inputs",
      version: 1,
      judge,
      startedAt,
      decidedAt,
      pairs,
      judgeErrors,
      candidateErrors,
      requests,
      mirrorDropped,
      ...(judgeReport && { judgeReport }),
      scores: [...this.#tested, ...open],
    };
  }

  /** Pairs that come after their conversation was tested are counted and left out: what was tested stays as it was. */
  #addScores(clusterKey: string, baselineScore: number, candidateScore: number): void {
    if (this.#closed.has(clusterKey)) return;
    const conversation = this.#open.get(clusterKey) ?? {
      opened: this.#pairs,
      pairs: 0,
      baselineSum: 0,
      candidateSum: 0,
    };
    conversation.pairs += 1;
    conversation.baselineSum += baselineScore;
    conversation.candidateSum += candidateScore;
    this.#open.set(clusterKey, conversation);
  }

  #closeOld(): void {
    // A map keeps the order of insertion, so the oldest conversation comes first.
    for (const [clusterKey, conversation] of this.#open) {
      if (this.#pairs - conversation.opened < CONVERSATION_CLOSES_AFTER_PAIRS) return;
      this.#open.delete(clusterKey);
      this.#closed.add(clusterKey);
      this.#tested.push(scoresOf(conversation));
    }
  }
}

const scoresOf = ({ pairs, baselineSum, candidateSum }: Conversation): Scores => [
  baselineSum / pairs,
  candidateSum / pairs,
];

export const differenceOf = ([baseline, candidate]: Scores): number => candidate - baseline;

/** The O'Brien–Fleming half needs a horizon declared beforehand: the requests that policy asks for. */
export const initialTest = ({ alpha, margin, minPairs, minRequests }: Policy["shadow"]): HybridState =>
  hybrid.initial({ alpha, margin, horizon: Math.max(minPairs, minRequests) });
