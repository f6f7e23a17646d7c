import type { Digest } from "@sluice/contracts";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Option from "effect/Option";

/** What a judge was asked: both are digests, because what is judged is somebody's text. */
export interface AskedQuestion {
  /** Of the model, its provider and the rubric. */
  readonly judge: Digest;
  /** Of all that the model was sent. */
  readonly question: Digest;
}

/** What a judge decided, without its reasons, which quote what it judged: a score in [0, 1], or which of two is better. */
export type Decided = number | string;

/**
 * What judges have decided, so that the same question is paid once. Losing it costs money and nothing else: whoever uses it
 * goes on without when it is away, so neither call fails.
 */
export class JudgeMemory extends Context.Service<
  JudgeMemory,
  {
    readonly recall: (asked: AskedQuestion) => Effect.Effect<Option.Option<Decided>>;
    /** Kept when this returns, if it can be. */
    readonly keep: (asked: AskedQuestion, decided: Decided) => Effect.Effect<void>;
  }
>()("@sluice/JudgeMemory") {
  /** As long as the process lives, the last `limit` of them. */
  static readonly layerMemory = (limit = 10_000): Layer.Layer<JudgeMemory> =>
    Layer.sync(JudgeMemory, () => {
      const kept = new Map<string, Decided>();
      const keep = (key: string, decided: Decided) => {
        const [oldest] = kept.keys();
        if (kept.size >= limit && oldest !== undefined) kept.delete(oldest);
        kept.set(key, decided);
      };
      return JudgeMemory.of({
        recall: (asked) => Effect.sync(() => Option.fromUndefinedOr(kept.get(keyOf(asked)))),
        keep: (asked, decided) => Effect.sync(() => keep(keyOf(asked), decided)),
      });
    });
}

const keyOf = ({ judge, question }: AskedQuestion): string => `${judge}/${question}`;
