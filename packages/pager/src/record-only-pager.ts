import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { Pager } from "./pager.ts";

/** Calls nobody: pages stay events of the record and entries of the service's log. For stacks without an on-call. */
export const layerRecordOnly: Layer.Layer<Pager> = Layer.succeed(Pager, {
  send: ({ action, summary, dedupKey }) =>
    Effect.as(Effect.logWarning(`page (${action}): ${summary}`).pipe(Effect.annotateLogs({ dedupKey })), "record"),
});
