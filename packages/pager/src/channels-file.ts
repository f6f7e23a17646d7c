import { readFileSync } from "node:fs";
import * as Result from "effect/Result";
import type { Channel } from "./channel.ts";
import type { PageSettingsInput } from "./channel-settings.ts";
import { configuredChannels } from "./configured-channels.ts";

type Environment = Readonly<Record<string, string | undefined>>;
type Read = Result.Result<ReadonlyArray<Channel>, string>;

/** The channels of a JSON file of `PageSettings`, or one sentence that names the file, the field and what to do. */
export const readChannels = (file: string, environment: Environment): Read => {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : "unknown reason";
    return Result.fail(`${file}: cannot be read (${code}); check the path`);
  }
  return Result.mapError(channelsIn(text, environment), (sentence) => `${file}: ${sentence}`);
};

/** The same of the file's text; the sentence does not quote it, since what stands in an address may be a secret. */
export const channelsIn = (text: string, environment: Environment): Read => {
  let settings: unknown;
  try {
    settings = JSON.parse(text);
  } catch {
    return Result.fail("is not JSON; look for a missing comma, quote or bracket");
  }
  return configuredChannels(settings, environment);
};

const WEBHOOK_SECRET = "SLUICE_PAGE_WEBHOOK_SECRET";

/** The short way: pages and notices to one webhook, signed when SLUICE_PAGE_WEBHOOK_SECRET is set. */
export const webhookChannels = (url: string, environment: Environment): Read => {
  const secretEnv = environment[WEBHOOK_SECRET] ? { secretEnv: WEBHOOK_SECRET } : {};
  const settings: PageSettingsInput = { channels: [{ kind: "webhook", name: "webhook", url, ...secretEnv }] };
  return configuredChannels(settings, environment);
};
