import { readFileSync } from "node:fs";
import type { ReleasesBody } from "@sluice/contracts";
import type { Page } from "playwright-core";
import { registryAt } from "../../support/registry.ts";
import type { Scene } from "./main.ts";

/** What there is to see once the demo's releases have ended. */
export const demoScenes = async (url: string, token: string): Promise<ReadonlyArray<Scene>> => {
  const registry = registryAt(url, token);
  const { releases } = (await registry.call("GET", "/v1/releases")) as typeof ReleasesBody.Type;
  const pathOf = (phase: string, application?: string) => {
    const found = releases.find((one) => one.phase === phase && (application ?? one.application) === one.application);
    return `/releases/${found?.application}/${found?.releaseId}`;
  };
  const [bundle, prompt] = await parts(registry, pathOf("blocked"));
  const onRecord = (page: Page) => page.getByRole("heading", { name: "Record" }).waitFor();
  /** Plots are drawn after the page. */
  const drawn = async (page: Page) => {
    await onRecord(page);
    await page.locator("canvas").first().waitFor();
  };
  const release = (name: string, path: string, prepare: Scene["prepare"]): Scene => ({
    ...{ name: `release-${name}`, role: "operator", path, prepare },
  });
  return [
    { name: "overview-ended", role: "operator", path: "/", prepare: (page) => page.getByText("order-desk").waitFor() },
    { name: "releases", role: "operator", path: "/releases", prepare: (page) => page.getByRole("table").waitFor() },
    {
      ...{ name: "releases-of-one", role: "operator", path: "/releases/support-bot" },
      prepare: (page) => page.getByRole("table").waitFor(),
    },
    release("completed", pathOf("completed", "support-bot"), drawn),
    release("overridden", pathOf("completed", "branch-office"), drawn),
    release("rolled-back", pathOf("rolled-back"), drawn),
    release("regressed", pathOf("regressed"), async (page) => {
      await drawn(page);
      await page.getByRole("button", { name: /^Show the pairs/ }).click();
      await page.locator("details.case summary").first().click();
    }),
    release("blocked", pathOf("blocked"), async (page) => {
      await onRecord(page);
      await page.getByRole("button", { name: "Show the cases that lost most" }).click();
      await page.locator("details.case summary").first().click();
    }),
    {
      ...{ name: "kpi", role: "viewer", path: "/kpi" },
      prepare: (page) => page.getByRole("heading", { name: "Lead time" }).waitFor(),
    },
    {
      ...{ name: "kpi-by-team", role: "viewer", path: "/kpi" },
      prepare: (page) => page.getByRole("radio", { name: "team" }).check(),
    },
    {
      ...{ name: "artifact-prompt", role: "viewer", path: `/artifacts/${prompt}` },
      prepare: (page) => page.getByRole("heading", { name: "Versions" }).waitFor(),
    },
    {
      ...{ name: "artifact-bundle", role: "viewer", path: `/artifacts/${bundle}` },
      prepare: (page) => page.getByRole("heading", { name: "Parts" }).waitFor(),
    },
    { name: "audit", role: "viewer", path: "/audit", prepare: (page) => audited(page, url, pathOf("rolled-back")) },
  ];
};

const parts = async (registry: ReturnType<typeof registryAt>, path: string) => {
  const releaseId = path.split("/").at(-1);
  const { events } = (await registry.call("GET", `/v1/releases/${releaseId}`)) as {
    events: ReadonlyArray<{ event: { _tag: string; candidate?: { digest: string; artifacts: { prompt: string } } } }>;
  };
  const candidate = events.find(({ event }) => event._tag === "ReleaseRequested")?.event.candidate;
  return [candidate?.digest, candidate?.artifacts.prompt];
};

/** All that an auditor does on one page: the record verified, an instant looked up, a person searched for, a passport dropped. */
const audited = async (page: Page, url: string, release: string) => {
  await page.goto(`${url}/#${release}`);
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Passport" }).click();
  const passport = readFileSync(await (await download).path());
  await page.goto(`${url}/#/audit`);
  await page.getByRole("button", { name: "Verify the whole record" }).click();
  await page.getByText("Unbroken").waitFor();
  await page.getByLabel("Application", { exact: true }).fill("support-bot");
  await page.getByRole("button", { name: "Look it up" }).click();
  await page.getByText("Rests on row").waitFor();
  await page.getByLabel(/Release, digest/).fill("demo approver");
  await page.getByRole("button", { name: "Search the record" }).click();
  await page.getByText(/gate overridden/).waitFor();
  const file = { name: "release.passport.json", mimeType: "application/json", buffer: passport };
  await page.getByLabel(/Drop a passport here/).setInputFiles(file);
  await page.getByText("Holds", { exact: true }).waitFor();
};
