import type { PageMessage } from "./pager.ts";

/** What a receiver expects of a page. `generic` is the message itself. */
export type PageFormat = "generic" | "pagerduty" | "alertmanager" | "slack";

/** PagerDuty refuses longer ones. */
const MAX_SUMMARY = 1_024;

/** The JSON body of a page. `routingKey` is PagerDuty's integration key, which belongs into the body there. */
export const pageBody = (format: PageFormat, message: PageMessage, routingKey = ""): unknown => {
  switch (format) {
    case "generic":
      return message;
    case "pagerduty":
      return pagerDutyEvent(message, routingKey);
    case "alertmanager":
      return alertmanagerNotification(message);
    case "slack":
      return { text: slackText(message) };
  }
};

const about = ({ application, releaseId }: PageMessage) => ({ application, release: releaseId });

/** Events API v2. */
const pagerDutyEvent = (message: PageMessage, routingKey: string) => ({
  routing_key: routingKey,
  event_action: message.action,
  dedup_key: message.dedupKey.slice(0, 255),
  ...(message.action === "trigger" && {
    payload: {
      summary: message.summary.slice(0, MAX_SUMMARY),
      severity: message.severity,
      source: `sluice/${message.application}`,
      timestamp: message.at,
      component: message.application,
      group: message.releaseId,
      class: "canary breach",
      custom_details: { summary: message.summary, ...about(message) },
    },
  }),
  client: "sluice",
});

/** The webhook of Alertmanager, version 4, so that whatever takes its notifications takes ours. */
const alertmanagerNotification = (message: PageMessage) => {
  const status = message.action === "trigger" ? "firing" : "resolved";
  const labels = { alertname: "SluiceCanaryBreach", severity: message.severity, ...about(message) };
  const annotations = { summary: message.summary };
  return {
    version: "4",
    groupKey: message.dedupKey,
    truncatedAlerts: 0,
    status,
    receiver: "sluice",
    groupLabels: about(message),
    commonLabels: labels,
    commonAnnotations: annotations,
    externalURL: "",
    alerts: [
      {
        status,
        labels,
        annotations,
        startsAt: message.at,
        // Alertmanager's "not yet".
        endsAt: message.action === "trigger" ? "0001-01-01T00:00:00Z" : message.at,
        generatorURL: "",
        fingerprint: message.dedupKey,
      },
    ],
  };
};

/** Slack reads &, < and > as markup. */
const slackText = ({ action, summary }: PageMessage): string => {
  const text = summary.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return action === "trigger" ? `:rotating_light: ${text}` : `:white_check_mark: Over: ${text}`;
};
