import { epochMsOf, timestampOf } from "@sluice/contracts";
import type { PageMessage } from "./pager.ts";

// What receivers expect of a message, field by field as their documentation has it.

/** PagerDuty refuses longer ones. */
const MAX_SUMMARY = 1_024;
const MAX_DEDUP_KEY = 255;

const about = ({ application, releaseId }: PageMessage) => ({ application, release: releaseId });
const isOver = ({ action }: PageMessage): boolean => action === "resolve";

/** Of our own: the message, under a stable id. An id that was seen before is a repetition. */
export const webhookBody = (message: PageMessage) => ({
  id: `${message.dedupKey}/${message.action}`,
  type: message.action === "notice" ? "notice" : "page",
  apiVersion: "v1",
  timestamp: message.at,
  ...message,
});

/** Events API v2; an update is the same incident triggered again under its key. */
export const pagerDutyEvent = (message: PageMessage, routingKey: string, clientUrl?: string) => ({
  routing_key: routingKey,
  event_action: isOver(message) ? "resolve" : "trigger",
  dedup_key: message.dedupKey.slice(0, MAX_DEDUP_KEY),
  ...(!isOver(message) && {
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
  ...(clientUrl !== undefined && { client_url: clientUrl }),
});

/** Change Events: what one wants to see beside incidents, and is not woken by. */
export const pagerDutyChange = (message: PageMessage, routingKey: string, clientUrl?: string) => ({
  routing_key: routingKey,
  payload: {
    summary: message.summary.slice(0, MAX_SUMMARY),
    timestamp: message.at,
    source: `sluice/${message.application}`,
    custom_details: { ...about(message), phase: message.phase, dedup_key: message.dedupKey },
  },
  ...(clientUrl !== undefined && { links: [{ href: clientUrl, text: "Sluice" }] }),
});

const labelsOf = (message: PageMessage) => ({
  alertname: message.action === "notice" ? "SluiceReleaseEnded" : "SluiceCanaryBreach",
  // A label is part of an alert's identity: it is the same when the alert is over.
  severity: message.severity,
  ...about(message),
  ...(message.phase !== undefined && { phase: message.phase }),
});

/** An alert that is not repeated would end after Alertmanager's `resolve_timeout` (5 min): so it says itself how long it lasts. */
const PAGE_LASTS_MS = 7 * 86_400_000;
const NOTICE_LASTS_MS = 3_600_000;

/** `POST /api/v2/alerts` of Alertmanager. `nowMs` ends an alert that is over. */
export const alertmanagerAlerts = (message: PageMessage, nowMs: number, clientUrl?: string) => [
  {
    labels: labelsOf(message),
    annotations: { summary: message.summary, dedup_key: message.dedupKey },
    startsAt: message.at,
    endsAt: timestampOf(
      isOver(message)
        ? nowMs
        : Math.max(nowMs, epochMsOf(message.at)) + (message.action === "notice" ? NOTICE_LASTS_MS : PAGE_LASTS_MS),
    ),
    ...(clientUrl !== undefined && { generatorURL: clientUrl }),
  },
];

/** The webhook of Alertmanager, version 4, so that whatever takes its notifications takes ours. */
export const alertmanagerNotification = (message: PageMessage, nowMs: number, clientUrl = "") => {
  const status = isOver(message) ? "resolved" : "firing";
  const labels = labelsOf(message);
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
    externalURL: clientUrl,
    alerts: [
      {
        status,
        labels,
        annotations,
        startsAt: message.at,
        // Alertmanager's "not yet".
        endsAt: isOver(message) ? timestampOf(nowMs) : "0001-01-01T00:00:00Z",
        generatorURL: clientUrl,
        fingerprint: message.dedupKey,
      },
    ],
  };
};

const slackMarks: { readonly [Action in PageMessage["action"]]: string } = {
  trigger: ":rotating_light: ",
  update: ":rotating_light: More on this page: ",
  resolve: ":white_check_mark: Over: ",
  notice: ":information_source: ",
};

/** An incoming webhook of Slack. Slack reads &, < and > as markup, and knows no keys: the reader sees ours. */
export const slackMessage = ({ action, summary, dedupKey }: PageMessage) => ({
  text: `${slackMarks[action]}${escaped(summary)}\n\`${escaped(dedupKey)}\``,
});

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
