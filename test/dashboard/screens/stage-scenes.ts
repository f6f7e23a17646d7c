import { type CanaryForecast, timestampOf } from "@sluice/contracts";
import type { Page } from "playwright-core";
import {
  bundle,
  canaryEvidence,
  type DashboardStage,
  pairJudgementOf,
  pairOf,
  policy,
  progressOf,
  reports,
  shadowEvidence,
} from "../../support/dashboard-stage.ts";
import type { Scene } from "./main.ts";

const author = { id: "night shift", role: "operator" } as const;
const inAnHour = () => timestampOf(Date.now() + 3_600_000);

const forecast: CanaryForecast = {
  outcome: "unseen",
  traffic: { from: timestampOf(Date.now() - 86_400_000), to: timestampOf(Date.now()), requestsPerMinute: 10 },
  steps: policy.canary.steps.map(({ share }) => ({ share, minutes: 30, enoughRequests: share > 0.01 })),
  metrics: [
    {
      ...{ check: "errorRate", baseline: 0.01, detectable: [null, null, 0.09, 0.05], mustDetect: 0.05, seen: true },
      sentence:
        "An increase of the error rate from 1 % to 6 % is found with probability 0.8 by the end of the rollout.",
    },
    {
      ...{ check: "latencyP95", baseline: 1_840, detectable: [null, null, null, 2.6], mustDetect: 2, seen: false },
      sentence: "At 10 requests a minute this rollout cannot see latencies that double; from × 2.6 on it can.",
    },
  ],
  extended: null,
  sentence: "At 10 requests a minute this rollout cannot see all that its policy wants to be seen.",
};

/** Each state that a release only passes through, held still; and what one sees before anything is there, or when nobody answers. */
export const stageScenes = async (stage: DashboardStage) => {
  const release = async (name: string, about: Parameters<DashboardStage["request"]>[2] = {}) => {
    const of = { application: name, releaseId: `rel-${name}` };
    await stage.register(of.application);
    await stage.request(of.application, of.releaseId, about);
    return of;
  };
  const intoCanary = async (name: string, about: Parameters<DashboardStage["request"]>[2] = {}) => {
    const of = await release(name, about);
    await stage.say(
      { _tag: "RecordGateReport", ...of, report: reports.passed },
      { _tag: "StartShadow", ...of },
      { _tag: "RecordShadowVerdict", ...of, verdict: "passed", evidence: shadowEvidence },
      { _tag: "StartCanary", ...of },
    );
    return of;
  };

  await release("waits-for-gate");
  const blocked = await release("blocked-bot");
  await stage.say({ _tag: "RecordGateReport", ...blocked, report: reports.blocked });
  const shadow = await release("in-shadow", { forecast });
  await stage.say({ _tag: "RecordGateReport", ...shadow, report: reports.passed }, { _tag: "StartShadow", ...shadow });
  await stage.keep([pairOf(shadow)], [pairJudgementOf(shadow)]);
  const canary = await intoCanary("in-canary", { forecast });
  await stage.say({ _tag: "AdvanceCanary", ...canary, evidence: canaryEvidence(0) });
  const held = await intoCanary("held-for-data");
  const waitsFor = "observations of every gateway";
  await stage.say({ _tag: "HoldCanary", ...held, cause: "no-data", waitsFor, until: inAnHour(), evidence: null });
  const paused = await intoCanary("paused-by-somebody");
  await stage.say({ _tag: "PauseRelease", ...paused, author, reason: "to look at answers", commandId: "pause-1" });
  const breached = await intoCanary("breached-now");
  const sentence = "The error rate is 16 % on the candidate against 0.4 % on the baseline.";
  const seen = { cause: "metric" as const, sentence, since: timestampOf(Date.now() - 60_000) };
  await stage.say({ _tag: "BreachCanary", ...breached, ...seen, evidence: canaryEvidence(0) });
  const mitigated = await intoCanary("rolled-back-late");
  await stage.say(
    { _tag: "BreachCanary", ...mitigated, ...seen, evidence: canaryEvidence(0) },
    { _tag: "RollBackRelease", ...mitigated, unacknowledged: ["gateway-us-7"] },
  );
  const aborted = await intoCanary("aborted-by-hand");
  await stage.say({ _tag: "AbortRelease", ...aborted, author, reason: "customers complain", commandId: "abort-1" });
  const frozen = await intoCanary("frozen-for-a-sale");
  const until = inAnHour();
  await stage.say({
    ...{ _tag: "FreezeReleases", application: frozen.application, freezeId: "freeze-1", scope: "application" },
    ...{ until, author, reason: "the sale begins" },
  });

  const onRecord = (page: Page) => page.getByRole("heading", { name: "Record" }).waitFor();
  const scene = (
    name: string,
    { application, releaseId }: typeof canary,
    prepare: Scene["prepare"] = onRecord,
    role: Scene["role"] = "operator",
  ): Scene => ({ ...{ name: `release-${name}`, role, path: `/releases/${application}/${releaseId}` }, prepare });
  const shown = (text: string) => (page: Page) => page.getByText(text).first().waitFor();

  const whileEmpty: ReadonlyArray<Scene> = [
    { name: "sign-in", role: null, path: "/", prepare: (page) => page.getByLabel("Access token").waitFor() },
    {
      ...{ name: "sign-in-refused", role: null, path: "/" },
      prepare: async (page) => {
        await page.getByLabel("Access token").fill("unknown-token");
        await page.getByRole("button", { name: "Sign in" }).click();
        await page.getByRole("alert").waitFor();
      },
    },
    { name: "empty-overview", role: "viewer", path: "/", prepare: shown("No application is registered yet.") },
    { name: "empty-releases", role: "viewer", path: "/releases", prepare: (page) => page.getByRole("main").waitFor() },
    { name: "empty-audit", role: "viewer", path: "/audit", prepare: shown("Is the record whole?") },
    { name: "not-found", role: "viewer", path: "/nowhere", prepare: shown("There is no page") },
  ];
  const whileRunning: ReadonlyArray<Scene> = [
    { name: "overview", role: "operator", path: "/", prepare: (page) => page.locator(".row").nth(9).waitFor() },
    scene("gate-running", { application: "waits-for-gate", releaseId: "rel-waits-for-gate" }),
    scene(
      "gate-blocked-override",
      blocked,
      async (page) => {
        await page.getByRole("button", { name: "Override the gate…" }).click();
        await page.getByRole("dialog").waitFor();
      },
      "approver",
    ),
    scene("in-shadow", shadow, async (page) => {
      await page.getByRole("button", { name: /^Show the pairs/ }).click();
      await page.locator("details.case summary").first().click();
    }),
    scene("in-shadow-viewer", shadow, onRecord, "viewer"),
    scene("in-canary", canary, async (page) => {
      await page.locator("canvas").first().waitFor();
      const now = Date.now();
      for (const [i, logE] of [0.2, 0.9, 1.4, 1.1].entries())
        await stage.tell(
          progressOf({
            ...canary,
            step: 1,
            at: timestampOf(now + i * 2_000),
            combined: { logE, logThreshold: 4.605, alpha: 0.01 },
          }),
        );
      await page.getByText("Candidate’s requests").waitFor();
    }),
    scene("in-canary-abort", canary, async (page) => {
      await page.getByRole("button", { name: "Abort…" }).click();
      await page.getByRole("dialog").waitFor();
    }),
    scene("held", held),
    scene("paused", paused),
    scene("breached", breached),
    scene("rolled-back-late", mitigated),
    scene("aborted", aborted),
    { name: "error-kpi", role: "viewer", path: "/kpi", prepare: shown("a store behind the registry failed") },
    {
      ...{ name: "error-artifact", role: "viewer", path: `/artifacts/${bundle("nothing").digest}` },
      prepare: shown("is not stored here"),
    },
    {
      ...{ name: "stale", role: "operator", path: "/" },
      prepare: async (page) => {
        await page.getByText("Live", { exact: true }).waitFor();
        await stage.stop();
        await page.getByText(/Stale since/).waitFor();
      },
      after: () => stage.start(),
    },
    scene("error-unknown", { application: "in-canary", releaseId: "rel-nothing" }, (page) =>
      page.getByRole("alert").waitFor(),
    ),
  ];
  return { whileEmpty, whileRunning };
};
