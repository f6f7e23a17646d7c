import * as Effect from "effect/Effect";
import type { Channel } from "./channel.ts";

/** Where no receiver is configured a page is a line of the log at level ERROR: somebody must act now. */
export const logChannel = (name = "log"): Channel => ({
  name,
  takesPages: true,
  wantsNoticeOf: () => true,
  send: ({ action, summary, ...about }) => {
    const line = `page ${action}: ${summary}`;
    const logged = action === "notice" ? Effect.logInfo(summary) : Effect.logError(line);
    return Effect.annotateLogs(logged, { ...about });
  },
});
