import { type Channel, readChannels, webhookChannels } from "@sluice/pager";
import * as Flag from "effect/cli/Flag";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { type Exit, usageError } from "./exit.ts";

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
  Effect.suspend(() => {
    if (file !== undefined && webhook !== undefined)
      return Effect.fail(usageError("give --pages or --page-webhook, not both"));
    if (file === undefined && webhook === undefined) return Effect.succeed([]);
    const read =
      file === undefined
        ? Result.mapError(webhookChannels(webhook ?? "", process.env), (sentence) => `--page-webhook: ${sentence}`)
        : Result.mapError(readChannels(file, process.env), (sentence) => `--pages ${sentence}`);
    return Result.isSuccess(read) ? Effect.succeed(read.success) : Effect.fail(usageError(read.failure));
  });
