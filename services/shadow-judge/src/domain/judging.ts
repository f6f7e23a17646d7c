import {
  type Digest,
  digestOf,
  type JudgementEvent,
  type JudgeSpecification,
  type Observation,
  type PairJudged,
  type ResponseJudged,
  type ShadowPairRecorded,
  type Timestamp,
} from "@sluice/contracts";

/** A judge's answer about one response: its score, or why there is none. */
export type Score = { readonly score: number } | { readonly error: string };

export interface Response {
  readonly input: string;
  readonly output: string;
}

/** Each response by itself, or both answers to one request, which some judges compare. */
export type Question =
  | { readonly asks: "responses"; readonly responses: ReadonlyArray<Response> }
  | {
      readonly asks: "pair";
      readonly pair: { readonly input: string; readonly baseline: string; readonly candidate: string };
    };

export interface Answer {
  /** In the order of the responses; of a pair the baseline's first. */
  readonly scores: ReadonlyArray<Score>;
  /** Of a pair about which the judge was asked in both orders. */
  readonly orderChanged?: boolean;
}

/** What is to be judged, by which judge, and the event that the answer makes. */
export interface JudgingTask {
  readonly specification: JudgeSpecification;
  readonly question: Question;
  readonly judged: (answer: Answer, at: Timestamp) => JudgementEvent;
}

/** The same judgement asked for twice has one id: consumers drop the repetition. */
const judgementIdOf = (subject: string, judge: Digest): string =>
  `judgement-${digestOf([subject, judge]).slice("sha256:".length, "sha256:".length + 40)}`;

const MAX_ERROR_CHARACTERS = 500;
const scoreOf = (score: Score | undefined): number | null => (score && "score" in score ? score.score : null);
const errorOf = (scores: ReadonlyArray<Score>): string | null =>
  scores.find((score) => "error" in score)?.error.slice(0, MAX_ERROR_CHARACTERS) ?? null;

/**
 * Both sides by the same judge. A baseline that did not answer has nothing to be compared with: excluded. So is a candidate
 * that met a rate limit: that is the budget of the shadow, which shares a key with users, and not an answer of the
 * candidate's. A candidate that failed otherwise where the baseline answered scores 0 without asking. When the judge fails
 * on one side the pair has no scores.
 */
export const pairTask = (pair: ShadowPairRecorded, specification: JudgeSpecification): JudgingTask => {
  const { application, releaseId, pairId, clusterKey, input } = pair;
  const judge = digestOf(specification);
  const comparable = pair.baseline.errorClass === null && pair.candidate.errorClass !== "rate-limited";
  const candidateFailed = comparable && pair.candidate.errorClass !== null;
  const { baseline, candidate } = pair;
  const answered = !comparable ? [] : [{ input, output: baseline.output }];
  return {
    specification,
    question:
      comparable && !candidateFailed
        ? { asks: "pair", pair: { input, baseline: baseline.output, candidate: candidate.output } }
        : { asks: "responses", responses: answered },
    judged: ({ scores, orderChanged }, at): PairJudged => {
      const error = errorOf(scores);
      const usable = comparable && error === null;
      return {
        _tag: "PairJudged",
        judgementId: judgementIdOf(pairId, judge),
        application,
        releaseId,
        judge,
        at,
        pairId,
        clusterKey,
        candidateFailed,
        baselineScore: usable ? scoreOf(scores[0]) : null,
        candidateScore: !usable ? null : candidateFailed ? 0 : scoreOf(scores[1]),
        ...(orderChanged !== undefined && { orderChanged }),
        error,
      };
    },
  };
};

export type JudgeableObservation = Observation & {
  readonly releaseId: string;
  readonly payload: NonNullable<Observation["payload"]>;
};

/** Online quality is about what users were answered: errors are the error rate's, probes and mirrored calls are apart. */
export const isJudgeable = (observation: Observation): observation is JudgeableObservation =>
  observation.role === "user" &&
  observation.releaseId !== null &&
  observation.errorClass === null &&
  observation.payload !== undefined;

/** One response that a user was given, on either arm. Its judgement falls into the observation's window. */
export const responseTask = (observation: JudgeableObservation, specification: JudgeSpecification): JudgingTask => {
  const { application, releaseId, observationId, arm, endedAt, clusterKey, payload } = observation;
  const judge = digestOf(specification);
  return {
    specification,
    question: { asks: "responses", responses: [payload] },
    judged: ({ scores }, at): ResponseJudged => ({
      _tag: "ResponseJudged",
      judgementId: judgementIdOf(observationId, judge),
      application,
      releaseId,
      judge,
      at,
      observationId,
      arm,
      endedAt,
      clusterKey,
      score: scoreOf(scores[0]),
      error: errorOf(scores),
    }),
  };
};
