import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Page } from "playwright-core";
import { faultsOf, scrollsSideways } from "../../support/axe.ts";
import { openBrowser } from "../../support/chromium.ts";
import { DashboardStage, tokenOf } from "../../support/dashboard-stage.ts";
import { visitAt } from "../../support/dashboard-visitor.ts";
import { keptDemo } from "../../support/demo-visitor.ts";
import { SluiceProcess } from "../../support/sluice-process.ts";
import { demoScenes } from "./demo-scenes.ts";
import { stageScenes } from "./stage-scenes.ts";

// `pnpm screens:dashboard [FOLDER]`: a picture of every page and state, light and dark, on a phone and on a desk, for
// eyes; what axe-core finds serious in it, and whether it scrolls sideways, is printed. What
// only a release under way shows is put on a stage; the rest is what the demo leaves.

export interface Scene {
  readonly name: string;
  /** Null: nobody is signed in. */
  readonly role: "viewer" | "operator" | "approver" | null;
  readonly path: string;
  /** Brings the page to where the picture is taken. */
  readonly prepare: (page: Page) => Promise<unknown>;
  /** Puts right again what the picture needed. */
  readonly after?: () => Promise<unknown>;
}

const folder = resolve(process.argv[2] ?? "screens");
const only = process.argv[3] ?? "";
mkdirSync(folder, { recursive: true });
const browser = await openBrowser();
if (typeof browser === "string") throw new Error(browser);

/** The bar belongs to the top of a picture of the whole page, and rows that are out of sight belong to it too. */
const asOnePicture = `scrollTo(0, 0);
for (const row of document.querySelectorAll(".row")) row.style.contentVisibility = "visible";`;

const take = async (url: string, tokens: Readonly<Record<string, string>>, scenes: ReadonlyArray<Scene>) => {
  for (const { name, role, path, prepare, after } of scenes.filter((scene) => scene.name.includes(only)))
    for (const colorScheme of ["light", "dark"] as const)
      for (const width of [390, 1_440]) {
        const viewport = { width, height: width === 390 ? 844 : 900 };
        const token = role === null ? null : (tokens[role] ?? null);
        const { page, go } = await visitAt(browser, url, token, { viewport, colorScheme, reducedMotion: "reduce" });
        try {
          await go(path);
          await prepare(page);
          const faults = [...(await faultsOf(page)), ...((await scrollsSideways(page)) ? ["scrolls sideways"] : [])];
          await page.evaluate(asOnePicture);
          await page.screenshot({ path: join(folder, `${name}-${colorScheme}-${width}.png`), fullPage: true });
          console.log([`${name} ${colorScheme} ${width}`, ...faults].join("\n  "));
          if (faults.length > 0) process.exitCode = 1;
        } catch (cause) {
          console.error(`${name} ${colorScheme} ${width}: ${String(cause).split("\n", 1)[0]}`);
          process.exitCode = 1;
        }
        await after?.();
        await page.context().close();
      }
};

const everyRole = { viewer: tokenOf("viewer"), operator: tokenOf("operator"), approver: tokenOf("approver") };
const empty = new DashboardStage();
await empty.start();
const stage = new DashboardStage();
await stage.start();
const { whileEmpty, whileRunning } = await stageScenes(stage);
await take(empty.url, everyRole, whileEmpty);
await take(stage.url, everyRole, whileRunning);
await stage.close();
await empty.close();

const demo = new SluiceProcess(["demo", "--keep", "--json"]);
const { registry, tokens } = await keptDemo(demo);
await demo.said(/^ {2}"users": /m);
await take(registry, { ...tokens, viewer: tokens.ci }, await demoScenes(registry, tokens.ci));
demo.kill("SIGTERM");
await demo.ended;
await browser.close();
