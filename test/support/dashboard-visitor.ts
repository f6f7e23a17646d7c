import type { Role } from "@sluice/contracts";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { type DashboardStage, tokenOf } from "./dashboard-stage.ts";

export interface Visitor {
  readonly page: Page;
  /** What the page complained about, scripts that the policy kept from running among it. */
  readonly complaints: Array<string>;
  readonly go: (fragment: string) => Promise<void>;
}

/** Somebody in front of the dashboard, with a role's token pasted unless `role` is null. */
export const visit = (
  browser: Browser,
  stage: DashboardStage,
  role: Role | null,
  options: BrowserContextOptions = {},
): Promise<Visitor> => visitAt(browser, stage.url, role === null ? null : tokenOf(role), options);

export const visitAt = async (
  browser: Browser,
  url: string,
  token: string | null,
  options: BrowserContextOptions = {},
): Promise<Visitor> => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-GB", ...options });
  if (token !== null) await context.addInitScript((pasted) => sessionStorage.setItem("sluice.token", pasted), token);
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const complaints: Array<string> = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // The browser itself tells of answers such as 409 and of a registry that is away: the page says so to people.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
      complaints.push(message.text());
  });
  const go = async (fragment: string) => {
    await page.goto(`${url}/#${fragment}`);
  };
  return { page, complaints, go };
};
