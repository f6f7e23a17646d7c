import type { JudgeSpecification } from "@sluice/contracts";
import * as Context from "effect/Context";
import type * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import type { Preference } from "./calibration/labelled-pair.ts";
import { byEachResponse, dispatchingJudge } from "./dispatching-judge.ts";
import type { JudgeError } from "./judge-error.ts";
import { JudgeMemory } from "./judge-memory.ts";
import type { JudgeSettings } from "./judge-settings.ts";

/** One response and the request it answers. */
export interface Judged {
  readonly input: string;
  readonly output: string;
  /** What a good answer says, where somebody has written it down. */
  readonly reference?: string;
}

/** Both answers to one request. */
export interface JudgedPair {
  readonly input: string;
  readonly baseline: string;
  readonly candidate: string;
  readonly reference?: string;
}

export interface PairScores {
  readonly baseline: number;
  readonly candidate: number;
  /** Where the judge was asked in both orders: which answer it preferred with the baseline's shown first, and last. */
  readonly orders?: { readonly baselineFirst: Preference; readonly candidateFirst: Preference };
}

/** Scores one response in [0, 1], or fails; a failure is never a score. */
export type ScoreResponse = (specification: JudgeSpecification, response: Judged) => Effect.Effect<number, JudgeError>;
/** Scores both responses by the same judge; a failure on one side is a failure of the pair. */
export type ScorePair = (specification: JudgeSpecification, pair: JudgedPair) => Effect.Effect<PairScores, JudgeError>;

/** Scores responses by whatever specification a release's policy names. A judge's identity is `digestOf(specification)`. */
export class Judge extends Context.Service<Judge, { readonly score: ScoreResponse; readonly scorePair: ScorePair }>()(
  "@sluice/Judge",
) {
  /** Deterministic judges in process, model judges over the providers of the settings; remembers as long as it lives. */
  static readonly layer = (settings: JudgeSettings): Layer.Layer<Judge> =>
    Layer.provide(Judge.layerRemembering(settings), JudgeMemory.layerMemory());

  /** The same with a memory that may outlive it. */
  static readonly layerRemembering = (settings: JudgeSettings): Layer.Layer<Judge, never, JudgeMemory> =>
    Layer.effect(Judge, dispatchingJudge(settings));

  /** For tests: `score` answers in place of every judge, and twice for a pair. */
  static readonly layerMemory = (score: ScoreResponse): Layer.Layer<Judge> =>
    Layer.succeed(Judge, { score, scorePair: byEachResponse(score) });
}
