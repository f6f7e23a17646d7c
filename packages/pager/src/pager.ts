import type { Timestamp } from "@sluice/contracts";
import * as Context from "effect/Context";
import type * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";

export class PagerError extends Schema.TaggedError<PagerError>()("PagerError", {
  channel: Schema.String,
  message: Schema.String,
}) {}

export interface PageMessage {
  /** The receiver drops repeats of one key: a page may be sent twice after a crash, and must be seen once. */
  readonly dedupKey: string;
  readonly action: "trigger" | "resolve";
  readonly severity: "critical" | "warning";
  readonly summary: string;
  readonly application: string;
  readonly releaseId: string;
  readonly at: Timestamp;
}

export class Pager extends Context.Service<
  Pager,
  {
    /** Succeeds with the channel's name once the receiver has taken the message. */
    readonly send: (message: PageMessage) => Effect.Effect<string, PagerError>;
  }
>()("@sluice/Pager") {}
