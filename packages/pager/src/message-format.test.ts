import { assert, describe, it } from "@effect/vitest";
import {
  alertmanagerAlerts,
  alertmanagerNotification,
  pagerDutyChange,
  pagerDutyEvent,
  slackMessage,
  webhookBody,
} from "./message-format.ts";
import type { PageMessage } from "./pager.ts";

const page: PageMessage = {
  dedupKey: "sluice/support-bot/rel-1/breach",
  action: "trigger",
  severity: "critical",
  summary: "support-bot: errors 5.1 % > 1.0 % & rising",
  application: "support-bot",
  releaseId: "rel-1",
  at: "2026-01-01T09:00:00.000Z",
};
const over: PageMessage = { ...page, action: "resolve" };
const notice: PageMessage = {
  ...page,
  dedupKey: "sluice/support-bot/rel-1/completed",
  action: "notice",
  severity: "info",
  phase: "completed",
};
const nowMs = Date.parse("2026-01-01T09:05:00.000Z");

describe("what receivers get", () => {
  it("our own webhook: the message under a stable id", () =>
    assert.deepStrictEqual(webhookBody(page), {
      id: "sluice/support-bot/rel-1/breach/trigger",
      type: "page",
      apiVersion: "v1",
      timestamp: page.at,
      ...page,
    }));

  it("PagerDuty: an event of API v2, whose end needs no payload", () => {
    assert.deepStrictEqual(pagerDutyEvent(page, "key", "https://sluice.example.org"), {
      routing_key: "key",
      event_action: "trigger",
      dedup_key: page.dedupKey,
      payload: {
        summary: page.summary,
        severity: "critical",
        source: "sluice/support-bot",
        timestamp: page.at,
        component: "support-bot",
        group: "rel-1",
        class: "canary breach",
        custom_details: { summary: page.summary, application: "support-bot", release: "rel-1" },
      },
      client: "sluice",
      client_url: "https://sluice.example.org",
    });
    assert.deepStrictEqual(pagerDutyEvent(over, "key"), {
      routing_key: "key",
      event_action: "resolve",
      dedup_key: page.dedupKey,
      client: "sluice",
    });
    const update = pagerDutyEvent({ ...page, action: "update" }, "key");
    assert.deepStrictEqual([update.event_action, update.dedup_key], ["trigger", page.dedupKey]);
  });

  it("PagerDuty: a notice is a change, which wakes nobody", () => {
    const change = pagerDutyChange(notice, "key");
    assert.deepStrictEqual(Object.keys(change), ["routing_key", "payload"]);
    assert.deepStrictEqual(change.payload.custom_details, {
      application: "support-bot",
      release: "rel-1",
      phase: "completed",
      dedup_key: notice.dedupKey,
    });
  });

  it("PagerDuty's bounds are kept", () => {
    const long = pagerDutyEvent({ ...page, summary: "x".repeat(5_000), dedupKey: "k".repeat(500) }, "key");
    assert.deepStrictEqual([long.payload?.summary.length, long.dedup_key.length], [1_024, 255]);
  });

  it("Alertmanager: one alert, the same labels to its end, and it lasts until it is ended", () => {
    const [firing] = alertmanagerAlerts(page, nowMs);
    const [ended] = alertmanagerAlerts(over, nowMs);
    assert.deepStrictEqual(firing?.labels, {
      alertname: "SluiceCanaryBreach",
      severity: "critical",
      application: "support-bot",
      release: "rel-1",
    });
    assert.deepStrictEqual(ended?.labels, firing?.labels);
    assert.isAbove(Date.parse(firing?.endsAt ?? ""), nowMs + 86_400_000);
    assert.strictEqual(ended?.endsAt, "2026-01-01T09:05:00.000Z");
  });

  it("Alertmanager's webhook: one alert, firing and then resolved", () => {
    assert.nestedInclude(alertmanagerNotification(page, nowMs), {
      version: "4",
      status: "firing",
      "alerts[0].labels.alertname": "SluiceCanaryBreach",
      "alerts[0].endsAt": "0001-01-01T00:00:00Z",
      "commonAnnotations.summary": page.summary,
    });
    assert.nestedInclude(alertmanagerNotification(over, nowMs), {
      status: "resolved",
      "alerts[0].endsAt": "2026-01-01T09:05:00.000Z",
    });
  });

  it("Slack: a text without markup, with the key for the reader", () =>
    assert.deepStrictEqual(slackMessage(page), {
      text: ":rotating_light: support-bot: errors 5.1 % &gt; 1.0 % &amp; rising\n`sluice/support-bot/rel-1/breach`",
    }));
});
