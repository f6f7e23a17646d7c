import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Metric from "effect/Metric";
import type { Channel } from "./channel.ts";
import { type Delivery, type PageMessage, Pager, PagerError } from "./pager.ts";

const attemptsTotal = Metric.counter("sluice_pages_total", {
  description: "Messages to channels of pages, by outcome (taken, not-taken)",
  incremental: true,
});

/**
 * Pages go through the channels in the given order until one takes them; notices go to all that want them. A channel that
 * does not take a message is in the log and in the metric, and the next one is told.
 */
export const layerChannels = (channels: ReadonlyArray<Channel>): Layer.Layer<Pager> =>
  Layer.succeed(Pager, {
    page: Effect.fn("Pager.page")(function* (message: PageMessage, through: string | null) {
      const taking = channels.filter(({ takesPages }) => takesPages);
      const known = taking.filter(({ name }) => name === through);
      const failed: Array<{ readonly name: string; readonly reason: string }> = [];
      for (const channel of known.length > 0 ? known : taking) {
        const reason = yield* attempt(channel, message);
        if (reason === null)
          return { channel: channel.name, notTakenBy: failed.map(({ name }) => name) } satisfies Delivery;
        failed.push({ name: channel.name, reason });
      }
      return yield* new PagerError({ message: inWords(failed), taken: [] });
    }),
    notify: Effect.fn("Pager.notify")(function* (message: PageMessage, taken: ReadonlyArray<string>) {
      const { phase } = message;
      const wanting = channels.filter(({ wantsNoticeOf }) => phase !== undefined && wantsNoticeOf(phase));
      const done = [...taken];
      const failed: Array<{ readonly name: string; readonly reason: string }> = [];
      for (const channel of wanting.filter(({ name }) => !taken.includes(name))) {
        const reason = yield* attempt(channel, message);
        if (reason === null) done.push(channel.name);
        else failed.push({ name: channel.name, reason });
      }
      if (failed.length > 0) return yield* new PagerError({ message: inWords(failed), taken: done });
      return done;
    }),
  });

/** Null when the channel took it, else why not. */
const attempt = Effect.fnUntraced(function* (channel: Channel, message: PageMessage) {
  const reason = yield* Effect.match(channel.send(message), {
    onFailure: (failure) => failure.reason,
    onSuccess: () => null,
  });
  const attributes = {
    channel: channel.name,
    action: message.action,
    outcome: reason === null ? "taken" : "not-taken",
  };
  yield* Metric.update(Metric.withAttributes(attemptsTotal, attributes), 1);
  if (reason !== null)
    yield* Effect.logError(`channel ${channel.name} did not take ${message.action} ${message.dedupKey}: ${reason}`);
  return reason;
});

const inWords = (failed: ReadonlyArray<{ readonly name: string; readonly reason: string }>): string =>
  failed.length === 0
    ? "no channel takes pages; configure one"
    : failed.map(({ name, reason }) => `${name}: ${reason}`).join("; ");
