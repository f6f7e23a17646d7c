import { gzipSync } from "node:zlib";
import { builtDashboard } from "@sluice/dashboard";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { faultsOf, scrollsSideways } from "../support/axe.ts";
import { openBrowser } from "../support/chromium.ts";
import {
  canaryEvidence,
  DashboardStage,
  registration,
  reports,
  requestOf,
  wayIntoCanary,
} from "../support/dashboard-stage.ts";
import { visit } from "../support/dashboard-visitor.ts";

it("the dashboard's scripts are at most 90 kB, compressed", async () => {
  const scripts = [...(await builtDashboard())].filter(([path]) => path.endsWith(".js"));
  expect(scripts.length).toBeGreaterThan(0);
  const bytes = scripts.reduce((sum, [, { content }]) => sum + gzipSync(content, { level: 9 }).length, 0);
  expect(bytes).toBeLessThanOrEqual(90 * 1_024);
});

const script = `<img src=x onerror="document.title='taken'"><script>document.title='taken'</script>`;
const rightToLeft = "إجابات أقصر للعملاء ‮txt.exe";
const longName = `z${"very-long-name.".repeat(4)}z`;

const browser = await openBrowser();
if (typeof browser === "string") describe.skip("the dashboard", () => it(`is not tested: ${browser}`, () => {}));
else
  describe("the dashboard, with many and with odd things", () => {
    const stage = new DashboardStage();
    const hostile = { application: longName.slice(0, 63), releaseId: "r".repeat(100) };

    beforeAll(async () => {
      await stage.start();
      // 200 applications, 500 releases: two ended ones each, every second one under way, one of them held.
      const author = { id: "the operator", role: "operator" } as const;
      const names = Array.from({ length: 200 }, (_, i) => `app-${String(i).padStart(3, "0")}`);
      await stage.sayAtOnce(
        names.flatMap((application, i) => [
          registration(application),
          ...[0, 1].flatMap((k) => {
            const releaseId = `${application}-${k}`;
            const why = { author, reason: "enough", commandId: `end-${releaseId}` };
            return [
              requestOf(application, releaseId),
              { _tag: "AbortRelease" as const, application, releaseId, ...why },
            ];
          }),
          ...(i % 2 === 0 ? wayIntoCanary(application, `${application}-2`) : []),
        ]),
      );
      const until = new Date(Date.now() + 3_600_000).toISOString();
      const held = { application: "app-122", releaseId: "app-122-2" };
      await stage.say({
        _tag: "HoldCanary",
        ...held,
        cause: "no-data",
        waitsFor: "observations",
        until,
        evidence: null,
      });
      // Last, so that it stands first among those that changed.
      await stage.register(hostile.application);
      await stage.request(hostile.application, hostile.releaseId, {
        description: `${script} ${rightToLeft}`,
        team: script.slice(0, 100),
        commit: script.slice(0, 100),
        link: "javascript:document.title='taken'",
        author: { id: `${script}${rightToLeft}`, role: "ci" },
      });
      const reasons = [{ rule: "slice" as const, slice: script, enforced: true, sentence: `${script} ${rightToLeft}` }];
      const slices = reports.blocked.slices.map((slice, i) => ({ ...slice, slice: `${i} ${script} ${rightToLeft}` }));
      const report = { ...reports.blocked, reasons, slices, safety: { cases: 1, regressions: [script] } };
      await stage.say({ _tag: "RecordGateReport", ...hostile, report });
    }, 120_000);
    afterAll(async () => {
      await browser.close();
      await stage.close();
    });

    it("shows 200 applications, the one that needs somebody first, and finds one by its name", async () => {
      const { page, complaints, go } = await visit(browser, stage, "viewer");
      await go("/");
      await page.locator(".row").nth(200).waitFor({ state: "attached" });
      expect(await page.locator(".row").count()).toBe(201);
      expect(await page.locator(".row").first().textContent()).toMatch(/Held.*app-122.*observations/s);
      await page.getByRole("searchbox").fill("app-19");
      await expect.poll(() => page.locator(".row").count()).toBe(10);
      await page.getByRole("searchbox").fill("no such thing");
      await page.getByText("No application’s name has “no such thing” in it.").waitFor();
      expect(complaints).toEqual([]);
      await page.context().close();
    });

    it("lists 500 releases", async () => {
      const { page, complaints, go } = await visit(browser, stage, "viewer");
      await go("/releases");
      await page.locator("tbody tr").nth(99).waitFor();
      await page.getByRole("button", { name: "Show more" }).click();
      await page.locator("tbody tr").nth(499).waitFor();
      await page.getByRole("searchbox").fill("app-013-1");
      await expect.poll(() => page.locator("tbody tr").count()).toBe(1);
      expect(complaints).toEqual([]);
      await page.context().close();
    });

    it.each([360, 1920])("holds long names, right-to-left text and scripts as text, at %i px", async (width) => {
      const { page, complaints, go } = await visit(browser, stage, "admin", { viewport: { width, height: 800 } });
      for (const path of ["/", "/releases", `/releases/${hostile.application}/${hostile.releaseId}`]) {
        await go(path);
        await page.getByText(hostile.releaseId).first().waitFor();
        expect(await scrollsSideways(page), path).toBe(false);
        expect(await page.title(), path).not.toBe("taken");
      }
      expect(await page.locator("main img, main script").count()).toBe(0);
      expect(await page.getByText(script, { exact: false }).count()).toBeGreaterThan(4);
      // Only web addresses are links.
      expect(await page.locator('a[href^="javascript"]').count()).toBe(0);
      await page.getByRole("button", { name: "Override the gate…" }).click();
      await page
        .getByRole("dialog")
        .getByText(/goes on to the shadow/)
        .waitFor();
      expect(await scrollsSideways(page)).toBe(false);
      expect(complaints).toEqual([]);
      await page.context().close();
    });

    it("can be used by keyboard alone: sign in, find, open, act, step back", async () => {
      await stage.say({
        _tag: "AdvanceCanary",
        application: "app-000",
        releaseId: "app-000-2",
        evidence: canaryEvidence(0),
      });
      const { page, go } = await visit(browser, stage, null);
      await go("/");
      const press = async (...keys: ReadonlyArray<string>) => {
        for (const key of keys) await page.keyboard.press(key);
      };
      const focused = (): Promise<string> =>
        page.evaluate("document.activeElement.textContent || document.activeElement.id");
      const tabTo = async (text: RegExp) => {
        for (let i = 0; i < 60; i++) {
          await press("Tab");
          if (text.test(await focused())) return;
        }
        throw new Error(`the keyboard does not reach ${text}`);
      };
      await tabTo(/^token$/u);
      await page.keyboard.type("token-of-the-operator");
      await press("Enter");
      await page.locator(".row").first().waitFor();
      await tabTo(/^filter$/u);
      await page.keyboard.type("app-000");
      await tabTo(/^app-000$/u);
      await press("Enter");
      await page.getByRole("heading", { name: "app-000-2" }).waitFor();
      await tabTo(/^Pause…$/u);
      await press("Enter");
      await page.getByRole("dialog").waitFor();
      await press("Escape");
      // A dialog that has closed is hidden at once and taken out a moment later: until then it is not opened again.
      await page.locator("dialog").waitFor({ state: "detached" });
      // The way back leads to where one was.
      expect(await focused()).toBe("Pause…");
      await press("Enter");
      await page.getByRole("dialog").waitFor();
      await tabTo(/^action-reason$/u);
      await page.keyboard.type("by keyboard");
      await tabTo(/^Pause$/u);
      await press("Enter");
      await page.getByText("paused by the operator: by keyboard").waitFor();
      await page.context().close();
    });

    it.each(["light", "dark"] as const)("has no serious fault for axe-core, in %s", async (colorScheme) => {
      // In the dark only the colours differ.
      const rules = colorScheme === "dark" ? ["color-contrast"] : undefined;
      const signIn = await visit(browser, stage, null, { colorScheme });
      await signIn.go("/");
      await signIn.page.getByLabel("Access token").waitFor();
      expect(await faultsOf(signIn.page, rules), "sign in").toEqual([]);
      await signIn.page.context().close();
      const { page, go } = await visit(browser, stage, "admin", { colorScheme });
      const pages: ReadonlyArray<readonly [path: string, shown: string]> = [
        ["/", hostile.application],
        ["/releases", hostile.releaseId],
        ["/releases/app-000/app-000-2", "Record"],
        [`/releases/${hostile.application}/${hostile.releaseId}`, "Record"],
        ["/audit", "Is the record whole?"],
        ["/kpi", "a store behind the registry failed"],
        ["/artifacts/sha256:0", "Artifact"],
      ];
      for (const [path, shown] of pages) {
        await go(path);
        await page.getByText(shown).first().waitFor();
        // A row is like the next: a few of them are enough to look at.
        const filter = page.getByRole("searchbox");
        if ((await filter.count()) > 0) await filter.fill(shown.slice(0, 20));
        expect(await faultsOf(page, rules), path).toEqual([]);
      }
      await go("/releases/app-002/app-002-2");
      await page.getByRole("button", { name: "Abort…" }).click();
      await page.getByRole("dialog").waitFor();
      expect(await faultsOf(page, rules), "dialog").toEqual([]);
      await page.context().close();
    });
  });
