import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Ref from "effect/Ref";
import { type PageMessage, Pager, PagerError } from "./pager.ts";

/** What the pager in memory was given, and whether its receiver takes anything: for tests. */
export class PagerInbox extends Context.Service<
  PagerInbox,
  {
    /** Pages in order of arrival, repeats included. */
    readonly messages: Effect.Effect<ReadonlyArray<PageMessage>>;
    /** Notices in order of arrival, repeats included. */
    readonly notices: Effect.Effect<ReadonlyArray<PageMessage>>;
    /** While down everything fails and nothing is kept. */
    readonly setDown: (down: boolean) => Effect.Effect<void>;
  }
>()("@sluice/PagerInbox") {}

export const layerMemory: Layer.Layer<Pager | PagerInbox> = Layer.effectContext(
  Effect.gen(function* () {
    const messages = yield* Ref.make<ReadonlyArray<PageMessage>>([]);
    const down = yield* Ref.make(false);
    const take = Effect.fnUntraced(function* (message: PageMessage) {
      if (yield* Ref.get(down)) return yield* new PagerError({ message: "memory: the receiver is down", taken: [] });
      yield* Ref.update(messages, (sent) => [...sent, message]);
    });
    const pager = Pager.of({
      page: (message) => Effect.as(take(message), { channel: "memory", notTakenBy: [] }),
      notify: (message) => Effect.as(take(message), ["memory"]),
    });
    const inbox = PagerInbox.of({
      messages: Effect.map(Ref.get(messages), (sent) => sent.filter(({ action }) => action !== "notice")),
      notices: Effect.map(Ref.get(messages), (sent) => sent.filter(({ action }) => action === "notice")),
      setDown: (value) => Ref.set(down, value),
    });
    return Context.mergeAll(Context.make(Pager, pager), Context.make(PagerInbox, inbox));
  }),
);
