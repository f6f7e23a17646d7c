import type { ReleasePhase } from "@sluice/contracts";
import type * as Effect from "effect/Effect";
import type { PageMessage } from "./pager.ts";

/** Why a channel did not take a message: never with its address, which may hold a token, nor with its answer. */
export interface NotTaken {
  readonly reason: string;
}

/** One receiver of messages, under the name that the record knows it by. */
export interface Channel {
  readonly name: string;
  readonly takesPages: boolean;
  readonly wantsNoticeOf: (phase: ReleasePhase) => boolean;
  /** Succeeds once the receiver has taken the message. */
  readonly send: (message: PageMessage) => Effect.Effect<void, NotTaken>;
}
