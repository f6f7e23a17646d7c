import { randomUUID } from "node:crypto";
import { timestampOf } from "@sluice/contracts";
import type { Channel, PageMessage } from "@sluice/pager";
import * as Clock from "effect/Clock";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import { Exit, exitCodes, usageError } from "../exit.ts";
import { json } from "../flags.ts";
import { print, printJson } from "../output.ts";
import { pagesFile, readPages } from "../pages-file.ts";

interface Tried {
  readonly channel: string;
  readonly action: PageMessage["action"];
  readonly taken: boolean;
  readonly reason: string | null;
}

const testCommand = Command.make(
  "test",
  {
    pages: pagesFile,
    webhook: Flag.String("page-webhook").pipe(
      Flag.withDescription("The short way: URL that pages and notices are posted to"),
      Flag.optional,
    ),
    channel: Flag.String("channel").pipe(Flag.withDescription("Only this channel"), Flag.optional),
    json,
  },
  (flags) =>
    Effect.gen(function* () {
      const channels = yield* readPages(Option.getOrUndefined(flags.pages), Option.getOrUndefined(flags.webhook));
      const wanted = channels.filter(({ name }) => name === Option.getOrElse(flags.channel, () => name));
      if (channels.length === 0) return yield* usageError("give --pages FILE or --page-webhook URL");
      if (wanted.length === 0)
        return yield* usageError(
          `--channel is ${Option.getOrElse(flags.channel, () => "")}; the file has ${channels.map(({ name }) => name).join(", ")}`,
        );
      const tried = (yield* Effect.forEach(wanted, tryChannel)).flat();
      if (flags.json) yield* printJson({ tried });
      else
        for (const one of tried)
          yield* print(`${one.channel.padEnd(24)} ${one.action.padEnd(8)} ${one.reason ?? "taken"}`);
      const failed = [...new Set(tried.filter(({ taken }) => !taken).map(({ channel }) => channel))];
      if (failed.length > 0)
        return yield* new Exit({
          code: exitCodes.internal,
          sentence: `${failed.join(", ")} did not take the test; look at its address, its key and its own log`,
        });
    }),
).pipe(
  Command.withDescription(
    "Send a test page and its end through every channel, each by itself: nobody should learn at night that one is mute",
  ),
);

export const pageCommand = Command.make("page").pipe(
  Command.withDescription("Where pages go"),
  Command.withSubcommands([testCommand]),
);

/** A page that is over at once where the channel takes pages, and a notice where it wants any. */
const tryChannel = Effect.fnUntraced(function* (channel: Channel) {
  const at = timestampOf(yield* Clock.currentTimeMillis);
  const page = {
    dedupKey: `sluice/page-test/${randomUUID()}`,
    severity: "info",
    summary: "This is a test of Sluice's pages: nothing has happened, and nobody has to act.",
    application: "page-test",
    releaseId: "page-test",
    at,
  } as const;
  const notice = { ...page, dedupKey: `${page.dedupKey}/notice`, action: "notice", phase: "completed" } as const;
  const messages: ReadonlyArray<PageMessage> = [
    ...(channel.takesPages ? [{ ...page, action: "trigger" } as const, { ...page, action: "resolve" } as const] : []),
    ...(channel.wantsNoticeOf("completed") ? [notice] : []),
  ];
  return yield* Effect.forEach(messages, (message) =>
    Effect.match(channel.send(message), {
      onSuccess: (): Tried => ({ channel: channel.name, action: message.action, taken: true, reason: null }),
      onFailure: ({ reason }): Tried => ({ channel: channel.name, action: message.action, taken: false, reason }),
    }),
  );
});
