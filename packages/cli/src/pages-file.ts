import { type Channel, channelsIn, webhookChannels } from "@sluice/pager";
import * as Flag from "effect/cli/Flag";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { type Exit, usageError } from "./exit.ts";
import { MAX_SETTINGS_BYTES, readUtf8 } from "./file-content.ts";

export const pagesFile = Flag.String("pages").pipe(
  Flag.withDescription(
    "JSON file that says where pages and notices go; secrets are named in it and read from the environment",
  ),
  Flag.optional,
);

/** The channels of `--pages`, or the one webhook of `--page-webhook`; none where neither is given. */
export const readPages = (
  file: string | undefined,
  webhook: string | undefined,
): Effect.Effect<ReadonlyArray<Channel>, Exit> =>
  Effect.gen(function* () {
    if (file !== undefined && webhook !== undefined)
      return yield* usageError("give --pages or --page-webhook, not both");
    if (file === undefined && webhook === undefined) return [];
    // Its value is no part of the sentence: whoever knows the address of a receiver may write to it.
    if (webhook !== undefined && !/^https?:$/u.test(URL.parse(webhook)?.protocol ?? ""))
      return yield* usageError("--page-webhook is no http or https address; give one");
    const named = file === undefined ? "--page-webhook" : `--pages ${file}`;
    const read =
      file === undefined
        ? webhookChannels(webhook ?? "", process.env)
        : channelsIn(yield* readUtf8(file, { maxBytes: MAX_SETTINGS_BYTES, named }), process.env);
    return yield* Effect.fromResult(Result.mapError(read, (sentence) => usageError(`${named}: ${sentence}`)));
  });
