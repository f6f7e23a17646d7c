import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { Pager, PagerError } from "./pager.ts";

/**
 * Tries channels in the given order until one takes the message: when the first cannot be reached, the next is told. Fails
 * when none could, naming each with its reason. A page that was triggered through a later channel is resolved through the
 * first that answers, so receivers must not mind the end of what they have not seen.
 */
export const layerEscalating = (channels: ReadonlyArray<Layer.Layer<Pager>>): Layer.Layer<Pager> =>
  Layer.effect(
    Pager,
    Effect.gen(function* () {
      const pagers: Array<Pager["Service"]> = [];
      for (const channel of channels) pagers.push(Context.get(yield* Layer.build(channel), Pager));
      return Pager.of({
        send: Effect.fn("Pager.send")(function* (message) {
          const reasons: Array<string> = [];
          for (const pager of pagers) {
            const sent = yield* Effect.result(pager.send(message));
            if (sent._tag === "Success") return sent.success;
            reasons.push(`${sent.failure.channel}: ${sent.failure.message}`);
            yield* Effect.logError(`a page was not taken, the next channel is told: ${reasons.at(-1)}`);
          }
          return yield* new PagerError({ channel: "all", message: reasons.join("; ") || "no channel is configured" });
        }),
      });
    }),
  );
