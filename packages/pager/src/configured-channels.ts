import { readableFault } from "@sluice/contracts";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Redacted from "effect/Redacted";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import type { Channel } from "./channel.ts";
import { type ChannelSettings, PageSettings } from "./channel-settings.ts";
import { logChannel } from "./log-channel.ts";
import {
  alertmanagerAlerts,
  alertmanagerNotification,
  pagerDutyChange,
  pagerDutyEvent,
  slackMessage,
  webhookBody,
} from "./message-format.ts";
import type { PageMessage } from "./pager.ts";
import { postJson } from "./post-json.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The channels that a file of settings describes, or one sentence for each fault: what, where, the value, what to do. */
export const configuredChannels = (
  settings: unknown,
  environment: Environment,
): Result.Result<ReadonlyArray<Channel>, string> => {
  const decoded = Schema.decodeUnknownResult(PageSettings)(settings, { onExcessProperty: "error" });
  if (Result.isFailure(decoded)) return Result.fail(readableFault(decoded.failure.message));
  const { channels, dashboardUrl } = decoded.success;
  const missing = channels.flatMap((channel) =>
    variablesOf(channel)
      .filter((name) => !environment[name])
      .map((name) => `channel ${channel.name} reads ${name}, which is not set in the environment`),
  );
  if (missing.length > 0) return Result.fail(missing.join("; "));
  const secret = (name: string) => Redacted.make(environment[name] ?? "");
  return Result.succeed(channels.map((channel) => channelOf(channel, secret, dashboardUrl)));
};

const variablesOf = (channel: ChannelSettings): ReadonlyArray<string> =>
  Object.entries(channel).flatMap(([field, value]) => (field.endsWith("Env") ? [String(value)] : []));

const channelOf = (
  settings: ChannelSettings,
  secret: (name: string) => Redacted.Redacted,
  dashboardUrl: string | undefined,
): Channel => {
  const { name, pages, notices } = settings;
  return {
    name,
    takesPages: pages,
    wantsNoticeOf: (phase) => notices === "all" || (notices !== "none" && notices.includes(phase)),
    send: senderOf(settings, secret, dashboardUrl),
  };
};

const senderOf = (
  settings: ChannelSettings,
  secret: (name: string) => Redacted.Redacted,
  dashboardUrl: string | undefined,
): Channel["send"] => {
  const { timeoutMs } = settings;
  switch (settings.kind) {
    case "pagerduty": {
      const routingKey = Redacted.value(secret(settings.routingKeyEnv));
      const at = (path: string) => Redacted.make(`${settings.url.replace(/\/$/u, "")}${path}`);
      return (message) =>
        message.action === "notice"
          ? postJson({
              url: at("/v2/change/enqueue"),
              body: pagerDutyChange(message, routingKey, dashboardUrl),
              timeoutMs,
            })
          : postJson({ url: at("/v2/enqueue"), body: pagerDutyEvent(message, routingKey, dashboardUrl), timeoutMs });
    }
    case "alertmanager": {
      const url = Redacted.make(`${settings.url.replace(/\/$/u, "")}/api/v2/alerts`);
      const token = settings.tokenEnv === undefined ? undefined : secret(settings.tokenEnv);
      const headers: Record<string, string> = token ? { authorization: `Bearer ${Redacted.value(token)}` } : {};
      return (message) =>
        Effect.flatMap(Clock.currentTimeMillis, (nowMs) =>
          postJson({ url, headers, body: alertmanagerAlerts(message, nowMs, dashboardUrl), timeoutMs }),
        );
    }
    case "slack": {
      const url = secret(settings.urlEnv);
      return (message) => postJson({ url, body: slackMessage(message), timeoutMs });
    }
    case "webhook": {
      const url = settings.urlEnv === undefined ? Redacted.make(settings.url ?? "") : secret(settings.urlEnv);
      const key = settings.secretEnv === undefined ? undefined : secret(settings.secretEnv);
      return (message) =>
        Effect.flatMap(Clock.currentTimeMillis, (nowMs) =>
          postJson({
            url,
            secret: key,
            headers: { "idempotency-key": `${message.dedupKey}/${message.action}` },
            body: bodyOf(settings.format, message, nowMs, dashboardUrl),
            timeoutMs,
          }),
        );
    }
    case "log":
      return logChannel(settings.name).send;
  }
};

const bodyOf = (
  format: "sluice" | "alertmanager",
  message: PageMessage,
  nowMs: number,
  dashboardUrl: string | undefined,
): unknown => (format === "sluice" ? webhookBody(message) : alertmanagerNotification(message, nowMs, dashboardUrl));
