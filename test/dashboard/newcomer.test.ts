import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bundle, referenceOf } from "@sluice/contracts";
import { afterAll, describe, expect, it } from "vitest";
import { openBrowser } from "../support/chromium.ts";
import { registryAt } from "../support/registry.ts";
import { SluiceProcess } from "../support/sluice-process.ts";

const browser = await openBrowser();
if (typeof browser === "string") describe.skip("a newcomer", () => it(`is not tested: ${browser}`, () => {}));
else
  describe("a newcomer", () => {
    const started: Array<() => Promise<unknown>> = [() => browser.close()];
    afterAll(async () => {
      for (const stop of started) await stop();
    });

    it("signs in where `sluice up` says, with the token that it shows, and each page says what is not there yet", async () => {
      const folder = await mkdtemp(join(tmpdir(), "sluice-newcomer-"));
      const data = join(folder, "data");
      const running = new SluiceProcess(["up", "--data", data, "--port", "0", "--gateway-port", "0"]);
      started.push(async () => {
        running.kill("SIGTERM");
        await running.ended;
        await rm(folder, { recursive: true, force: true });
      });
      const [, token = ""] = await running.said(/^admin token .*: (\S+)$/m);
      const [, url = ""] = await running.said(/^registry (\S+)$/m);
      await running.said(/^ready/m);

      const page = await browser.newPage({ locale: "en-GB" });
      page.setDefaultTimeout(30_000);
      await page.goto(url);
      await page.getByLabel("Access token").fill(token);
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByText("No application is registered yet.").waitFor();

      const registry = registryAt(url, token);
      const bundle: Bundle = {
        prompt: { kind: "prompt", messages: [{ role: "system", content: "Be brief." }] },
        model: { kind: "model", provider: "nobody", model: "m", parameters: {} },
      };
      for (const part of Object.values(bundle)) await registry.call("PUT", "/v1/artifacts", part);
      const baseline = referenceOf(bundle);
      await registry.call("POST", "/v1/applications", { application: "support-bot", baseline });
      // Without a reload.
      await page.getByRole("link", { name: "support-bot" }).waitFor();

      await page.goto(`${url}/#/artifacts/${baseline.artifacts.prompt}`);
      await page.getByText("Be brief.").waitFor();
      await page.getByRole("link", { name: "KPIs" }).click();
      await page.getByText("No release has reached 100 % yet.").waitFor();
      await page.getByText("SQL of kpi_lead_time").click();
      await page.getByText("CREATE OR REPLACE VIEW kpi_lead_time").waitFor();
      await page.getByRole("link", { name: "Audit" }).click();
      await page.getByRole("button", { name: "Verify the whole record" }).click();
      await page.getByText("Unbroken").waitFor();
      const policy = (await fetch(url)).headers.get("content-security-policy");
      expect(policy).toMatch(/default-src 'none';\s*script-src 'self';\s*style-src 'self'/);
    });
  });
