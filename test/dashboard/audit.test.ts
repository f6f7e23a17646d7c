import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openBrowser } from "../support/chromium.ts";
import { DashboardStage, tokenOf } from "../support/dashboard-stage.ts";
import { visit } from "../support/dashboard-visitor.ts";
import { registryAt, until } from "../support/registry.ts";

const browser = await openBrowser();
if (typeof browser === "string") describe.skip("the audit page", () => it(`is not tested: ${browser}`, () => {}));
else
  describe("the audit page", () => {
    const stage = new DashboardStage();
    const release = { application: "support-bot", releaseId: "rel-1" };
    beforeAll(async () => {
      await stage.start();
      await stage.register(release.application);
      await stage.intoCanary(release.application, release.releaseId);
      const author = { id: "night shift", role: "operator" } as const;
      const why = { author, reason: "odd answers to refunds", commandId: "abort-1" };
      await stage.say({ _tag: "AbortRelease", ...release, ...why });
      const registry = registryAt(stage.url, tokenOf("viewer"));
      const path = `/v1/releases/${release.releaseId}`;
      await until(
        () => registry.call("GET", path),
        (answer) => JSON.stringify(answer).includes("ReleaseAborted"),
      );
    });
    afterAll(async () => {
      await browser.close();
      await stage.close();
    });

    it("tells whether the record is whole, what ran then, and who did what", async () => {
      const { page, complaints, go } = await visit(browser, stage, "viewer");
      await go("/audit");
      await page.getByRole("button", { name: "Verify the whole record" }).click();
      await page.getByText("Unbroken").waitFor();

      await page.getByRole("button", { name: "Look it up" }).click();
      await page.getByText("Name the application first.").waitFor();
      await page.getByLabel("Application", { exact: true }).fill(release.application);
      await page.getByRole("button", { name: "Look it up" }).click();
      await page.getByText("Rests on row").waitFor();
      await page.getByLabel("Application", { exact: true }).fill("nobody");
      await page.getByRole("button", { name: "Look it up" }).click();
      await page.getByText("application nobody is not known; register it first").waitFor();

      await page.getByLabel(/Release, digest/).fill("n");
      await page.getByRole("button", { name: "Search the record" }).click();
      await page.getByText("Give at least two characters").waitFor();
      await page.getByLabel(/Release, digest/).fill("Night Shift");
      await page.getByRole("button", { name: "Search the record" }).click();
      await page.getByRole("cell", { name: "aborted by night shift: odd answers to refunds" }).waitFor();
      expect(complaints).toEqual([]);
      await page.context().close();
    });

    it("proves a passport in the browser, and finds the row that somebody has changed", async () => {
      const { page, complaints, go } = await visit(browser, stage, "viewer");
      await go(`/releases/${release.application}/${release.releaseId}`);
      const download = page.waitForEvent("download");
      await page.getByRole("button", { name: "Passport" }).click();
      const text = readFileSync(await (await download).path(), "utf8");
      await go("/audit");
      const give = (content: string) =>
        page.getByLabel(/Drop a passport here/).setInputFiles({
          ...{ name: "passport.json", mimeType: "application/json" },
          buffer: Buffer.from(content),
        });
      await give(text);
      await page.getByText("Holds", { exact: true }).waitFor();
      await page.getByText("This registry signs with the same key.").waitFor();

      // Dropped as a file is, and changed: a reason, a row left out, a signature of somebody else.
      const drop = `(content) => {
        const data = new DataTransfer();
        data.items.add(new File([content], "passport.json"));
        document.querySelector(".drop").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
      }`;
      await page.evaluate(`(${drop})(${JSON.stringify(text.replace("odd answers to refunds", "by request"))})`);
      await page.getByText(/has another payload than was recorded/).waitFor();
      const passport = JSON.parse(text);
      const without = { ...passport, rows: passport.rows.filter((_: unknown, n: number) => n !== 2) };
      await give(JSON.stringify(without));
      await page.getByText(/rows are missing or out of order/).waitFor();
      await give(JSON.stringify({ ...passport, checkpoint: passport.checkpoint.replace(/\n\d+\n/u, "\n99\n") }));
      await page.getByText("the checkpoint is not signed by the key").waitFor();
      // Whole in itself, and signed by somebody who is not this registry.
      await page.route("**/v1/audit/key", (route) => route.fulfill({ body: "another+00000000+AAAA\n" }));
      await give(text);
      await page.getByText("Signed with another key", { exact: true }).waitFor();
      expect(await page.getByText("Holds", { exact: true }).count()).toBe(0);
      await give("no passport");
      await page
        .getByRole("alert")
        .getByText(/no JSON/)
        .waitFor();
      expect(complaints).toEqual([]);
      await page.context().close();
    });
  });
