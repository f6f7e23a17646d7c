import type { Role } from "@sluice/contracts";
import type { Browser, Page } from "playwright-core";
import { visitAt } from "./dashboard-visitor.ts";
import type { SluiceProcess } from "./sluice-process.ts";

export interface KeptDemo {
  readonly registry: string;
  readonly tokens: Readonly<Record<Extract<Role, "operator" | "approver" | "ci">, string>>;
}

/** Where the demo is that is kept running, once it says so. */
export const keptDemo = async (demo: SluiceProcess): Promise<KeptDemo> => {
  const [, line = ""] = await demo.said(/^(\{"registry".*\})$/m);
  return JSON.parse(line);
};

/** Somebody in front of the demo's dashboard. */
export const watcher = async (browser: Browser, { registry, tokens }: KeptDemo, role: keyof KeptDemo["tokens"]) => {
  const visitor = await visitAt(browser, registry, tokens[role]);
  // A release of the demo takes its time, and more of it on a busy machine.
  visitor.page.setDefaultTimeout(180_000);
  await visitor.go("/");
  return visitor;
};

export const stageOn = (page: Page, name: string) =>
  page.getByRole("listitem").filter({ has: page.getByRole("heading", { name }) });

/** From the overview, where an application's row says that a release is under way, into that release's page. */
export const enterRelease = async (page: Page, application: string): Promise<void> => {
  const row = page.getByRole("listitem").filter({ hasText: application });
  await row.getByText(/^(?:Gate|Gate passed|Shadow|Canary)$/u).waitFor();
  await row.getByRole("link", { name: application }).click();
  await page.getByRole("heading", { name: "Record" }).waitFor();
};

export const confirmWithReason = async (page: Page, button: string, reason: string): Promise<void> => {
  await page.getByRole("button", { name: `${button}…` }).click();
  await page
    .getByRole("dialog")
    .getByLabel(/Reason/)
    .fill(reason);
  await page.getByRole("dialog").getByRole("button", { name: button, exact: true }).click();
};
