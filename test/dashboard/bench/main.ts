import { gzipSync } from "node:zlib";
import { builtDashboard } from "@sluice/dashboard";
import type { Page } from "playwright-core";
import { openBrowser } from "../../support/chromium.ts";
import { DashboardStage, progressOf, registration, wayIntoCanary } from "../../support/dashboard-stage.ts";
import { visit } from "../../support/dashboard-visitor.ts";

// `pnpm bench:dashboard`: how soon there is something to see, and whether a busy stream makes the page stutter. Figures of this
// machine, to be compared with other runs on it; nothing is asserted.

const APPLICATIONS = 200;
const VISITS = 7;
const STREAM_SECONDS = 10;
const PER_SECOND = 60;

const browser = await openBrowser();
if (typeof browser === "string") throw new Error(browser);
const stage = new DashboardStage();
await stage.start();
const names = Array.from({ length: APPLICATIONS }, (_, i) => `app-${String(i).padStart(3, "0")}`);
await stage.sayAtOnce(names.flatMap((name) => [registration(name), ...wayIntoCanary(name, `${name}-1`)]));

const print = (what: string, figure: string) => console.log(`${what.padEnd(58)} ${figure}`);
const median = (values: ReadonlyArray<number>) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

const files = await builtDashboard();
const gzipped = (extension: string) =>
  [...files]
    .filter(([path]) => path.endsWith(extension))
    .reduce((sum, [, { content }]) => sum + gzipSync(content).length, 0);
print("scripts, compressed", `${(gzipped(".js") / 1_024).toFixed(1)} kB`);
print("styles, compressed", `${(gzipped(".css") / 1_024).toFixed(1)} kB`);

const paint = `new Promise((resolve) => new PerformanceObserver((list) => resolve(list.getEntriesByName("first-contentful-paint")[0].startTime))
  .observe({ type: "paint", buffered: true }))`;
const firstContents: Array<number> = [];
const wholeLists: Array<number> = [];
for (let i = 0; i < VISITS; i++) {
  const { page, go } = await visit(browser, stage, "viewer");
  const startedAt = performance.now();
  await go("/");
  firstContents.push(await page.evaluate(paint));
  await page
    .locator(".row")
    .nth(APPLICATIONS - 1)
    .waitFor({ state: "attached" });
  wholeLists.push(performance.now() - startedAt);
  await page.context().close();
}
print(`first content, nothing cached, median of ${VISITS}`, `${median(firstContents).toFixed(0)} ms`);
print(`${APPLICATIONS} applications listed`, `${median(wholeLists).toFixed(0)} ms`);

/** Long tasks (over 50 ms) while something happens. */
const longTasks = async (page: Page, happens: () => Promise<void>): Promise<ReadonlyArray<number>> => {
  await page.evaluate(`window.longTasks = [];
    new PerformanceObserver((list) => window.longTasks.push(...list.getEntries().map((entry) => entry.duration))).observe({ type: "longtask" })`);
  await happens();
  return page.evaluate("window.longTasks");
};
const stream = async (send: (n: number) => Promise<void>) => {
  const startedAt = performance.now();
  for (let n = 0; n < STREAM_SECONDS * PER_SECOND; n++) {
    await send(n);
    const due = startedAt + ((n + 1) * 1_000) / PER_SECOND;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
  }
};
const report = (what: string, tasks: ReadonlyArray<number>) =>
  print(
    what,
    `${tasks.length} long tasks${tasks.length > 0 ? `, the longest ${Math.max(...tasks).toFixed(0)} ms` : ""}`,
  );

{
  const { page, go } = await visit(browser, stage, "viewer");
  await go("/");
  await page
    .locator(".row")
    .nth(APPLICATIONS - 1)
    .waitFor({ state: "attached" });
  const author = { id: "the bench", role: "operator" } as const;
  const tasks = await longTasks(page, () =>
    stream((n) => {
      const application = names[n % APPLICATIONS] ?? "";
      const said = { application, releaseId: `${application}-1`, author, reason: "bench", commandId: `bench-${n}` };
      const isPaused = Math.floor(n / APPLICATIONS) % 2 === 1;
      return stage.say({ _tag: isPaused ? "ResumeRelease" : "PauseRelease", ...said });
    }),
  );
  report(`overview, ${PER_SECOND} events/s for ${STREAM_SECONDS} s`, tasks);
  await page.context().close();
}
{
  const release = { application: "app-000", releaseId: "app-000-1" };
  const { page, go } = await visit(browser, stage, "viewer");
  await go(`/releases/${release.application}/${release.releaseId}`);
  await page.getByRole("heading", { name: "Record" }).waitFor();
  const tasks = await longTasks(page, () =>
    stream((n) => stage.tell(progressOf({ ...release, step: 0, at: new Date(Date.now() + n).toISOString() }))),
  );
  report(`release page, ${PER_SECOND} points/s for ${STREAM_SECONDS} s`, tasks);
  await page.context().close();
}
await browser.close();
await stage.close();
