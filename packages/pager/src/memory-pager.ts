import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Ref from "effect/Ref";
import { type PageMessage, Pager, PagerError } from "./pager.ts";

/** What the pager in memory was given, and whether its receiver takes anything: for tests. */
export class PagerInbox extends Context.Service<
  PagerInbox,
  {
    /** In order of arrival, repeats included. */
    readonly messages: Effect.Effect<ReadonlyArray<PageMessage>>;
    /** While down every `send` fails and nothing is kept. */
    readonly setDown: (down: boolean) => Effect.Effect<void>;
  }
>()("@sluice/PagerInbox") {}

export const layerMemory: Layer.Layer<Pager | PagerInbox> = Layer.effectContext(
  Effect.gen(function* () {
    const messages = yield* Ref.make<ReadonlyArray<PageMessage>>([]);
    const down = yield* Ref.make(false);
    const send = Effect.fn("Pager.send")(function* (message: PageMessage) {
      if (yield* Ref.get(down)) return yield* new PagerError({ channel: "memory", message: "the receiver is down" });
      yield* Ref.update(messages, (sent) => [...sent, message]);
      return "memory";
    });
    return Context.mergeAll(
      Context.make(Pager, Pager.of({ send })),
      Context.make(PagerInbox, { messages: Ref.get(messages), setDown: (value) => Ref.set(down, value) }),
    );
  }),
);
