import { assert, describe, it } from "@effect/vitest";
import { pageBody } from "./page-format.ts";
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

describe("the body of a page", () => {
  it("is the message itself for a generic receiver", () => {
    assert.deepStrictEqual(pageBody("generic", page), page);
  });

  it("is an event of PagerDuty's API v2, whose end needs no payload", () => {
    assert.deepStrictEqual(pageBody("pagerduty", page, "key"), {
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
    });
    assert.deepStrictEqual(pageBody("pagerduty", over, "key"), {
      routing_key: "key",
      event_action: "resolve",
      dedup_key: page.dedupKey,
      client: "sluice",
    });
  });

  it("is one alert of Alertmanager's webhook, firing and then resolved", () => {
    assert.nestedInclude(pageBody("alertmanager", page), {
      version: "4",
      status: "firing",
      "alerts[0].labels.alertname": "SluiceCanaryBreach",
      "alerts[0].endsAt": "0001-01-01T00:00:00Z",
      "commonAnnotations.summary": page.summary,
    });
    assert.nestedInclude(pageBody("alertmanager", over), { status: "resolved", "alerts[0].endsAt": page.at });
  });

  it("is a text without markup for Slack", () => {
    assert.deepStrictEqual(pageBody("slack", page), {
      text: ":rotating_light: support-bot: errors 5.1 % &gt; 1.0 % &amp; rising",
    });
  });
});
