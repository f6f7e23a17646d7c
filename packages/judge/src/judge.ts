import type { JudgeSpecification } from "@sluice/contracts";
import * as Context from "effect/Context";
import type * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { dispatchingJudge } from "./dispatching-judge.ts";
import type { JudgeError } from "./judge-error.ts";
import type { JudgeSettings } from "./judge-settings.ts";

/** One response and the request it answers. */
export interface Judged {
  readonly input: string;
  readonly output: string;
}

/** Scores one response in [0, 1], or fails; a failure is never a score. */
export type ScoreResponse = (specification: JudgeSpecification, response: Judged) => Effect.Effect<number, JudgeError>;

/** Scores responses by whatever specification a release's policy names. A judge's identity is `digestOf(specification)`. */
export class Judge extends Context.Service<Judge, { readonly score: ScoreResponse }>()("@sluice/Judge") {
  /** Deterministic judges in process, model judges over the providers of the settings. */
  static readonly layer = (settings: JudgeSettings): Layer.Layer<Judge> =>
    Layer.effect(Judge, dispatchingJudge(settings));

  /** For tests: `score` answers in place of every judge. */
  static readonly layerMemory = (score: ScoreResponse): Layer.Layer<Judge> => Layer.succeed(Judge, { score });
}
