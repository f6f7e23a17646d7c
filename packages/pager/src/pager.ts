import type { ReleasePhase, Timestamp } from "@sluice/contracts";
import * as Context from "effect/Context";
import type * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";

/** No channel has taken the message; each is named with its reason. */
export class PagerError extends Schema.TaggedError<PagerError>()("PagerError", {
  message: Schema.String,
  /** Of a notice: the channels that have taken it all the same. */
  taken: Schema.Array(Schema.String),
}) {}

export interface PageMessage {
  /** The receiver drops repeats of one key: a message may be sent twice after a crash, and must be seen once. */
  readonly dedupKey: string;
  /**
   * `trigger`, `update` and `resolve` are of a page: somebody must act, knows more, need not act any more. `notice` tells
   * the end of a release to those who want to know.
   */
  readonly action: "trigger" | "update" | "resolve" | "notice";
  readonly severity: "critical" | "warning" | "info";
  readonly summary: string;
  readonly application: string;
  readonly releaseId: string;
  readonly at: Timestamp;
  /** Of a notice: how the release ended. */
  readonly phase?: ReleasePhase;
}

/** A page that was taken. */
export interface Delivery {
  readonly channel: string;
  /** Channels before it that did not take it: the page has escalated. */
  readonly notTakenBy: ReadonlyArray<string>;
}

export class Pager extends Context.Service<
  Pager,
  {
    /**
     * A page goes to the first channel, in the configured order, that takes it. What follows under its key goes to `through`
     * alone, the channel that took it, as long as that is configured.
     */
    readonly page: (message: PageMessage, through: string | null) => Effect.Effect<Delivery, PagerError>;
    /**
     * A notice goes to every channel that wants this end of a release and is not among those that have taken it. Succeeds
     * with all that have, once none is left.
     */
    readonly notify: (
      message: PageMessage,
      taken: ReadonlyArray<string>,
    ) => Effect.Effect<ReadonlyArray<string>, PagerError>;
  }
>()("@sluice/Pager") {}
