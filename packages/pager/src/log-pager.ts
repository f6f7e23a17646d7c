import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { Pager } from "./pager.ts";

const CHANNEL = "log";

/** Where no receiver is configured a page is a line of the log at level ERROR: somebody must act now. */
export const layerLog: Layer.Layer<Pager> = Layer.succeed(Pager, {
  send: ({ action, summary, ...about }) =>
    Effect.as(Effect.logError(`page ${action}: ${summary}`).pipe(Effect.annotateLogs({ ...about })), CHANNEL),
});
