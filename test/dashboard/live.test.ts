import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { broken } from "../support/breakable-model.ts";
import { openBrowser } from "../support/chromium.ts";
import { visitAt } from "../support/dashboard-visitor.ts";
import { LiveStage } from "../support/live-stage.ts";
import { PlayedApplication } from "../support/played-release.ts";

// Nobody plays a part here: the services decide by themselves, on traffic, and people watch and press buttons. How long that takes
// is the machine's affair.
const PATIENCE_MS = 180_000;

const browser = await openBrowser();
if (typeof browser === "string") describe.skip("live", () => it(`is not tested: ${browser}`, () => {}));
else
  describe("the dashboard, in front of services that run", { timeout: PATIENCE_MS }, () => {
    let stage: LiveStage;
    const applications: Array<PlayedApplication> = [];
    beforeAll(async () => {
      stage = await LiveStage.open();
    }, PATIENCE_MS);
    afterAll(async () => {
      await Promise.all(applications.map((application) => application.leave()));
      await browser.close();
      await stage.close();
    });

    const open = async (role: Parameters<typeof LiveStage.tokenOf>[0], application: PlayedApplication) => {
      const visitor = await visitAt(browser, stage.registryUrl, LiveStage.tokenOf(role));
      visitor.page.setDefaultTimeout(PATIENCE_MS);
      await visitor.go(`/releases/${application.name}/${application.releaseId}`);
      return visitor;
    };
    const play = async (name: string) => {
      const application = await PlayedApplication.register(stage, name, 20);
      applications.push(application);
      return application;
    };
    const stageOn = (page: Page, name: string) =>
      page.getByRole("listitem").filter({ has: page.getByRole("heading", { name }) });
    const confirm = async (page: Page, button: string, reason: string) => {
      await page.getByRole("button", { name: `${button}…` }).click();
      await page
        .getByRole("dialog")
        .getByLabel(/Reason/)
        .fill(reason);
      await page.getByRole("dialog").getByRole("button", { name: button, exact: true }).click();
    };

    it("follows one release from its request to 100 % and another to its rollback, without a reload", async () => {
      const [good, bad] = [await play("good-bot"), await play("bad-bot")];
      await Promise.all([good.request("shop-2"), bad.request("shop-3", { lastingStep: 1 })]);
      const [first, second] = await Promise.all([open("viewer", good), open("viewer", bad)]);

      await stageOn(second.page, "Canary 25 %").getByText("under way").waitFor();
      // Users meet it from now on: the controller has to find out.
      stage.models["shop-3"] = broken;
      await second.page.getByRole("heading", { level: 3, name: "Rolled back" }).waitFor();
      await second.page
        .locator(".verdict", { hasText: /error rate/ })
        .first()
        .waitFor();
      await second.page.getByText(/^Every live gateway served the baseline .* after the breach was seen\.$/).waitFor();

      for (const name of ["Offline gate", "Shadow", "Canary 5 %", "Canary 25 %", "Canary 100 %"])
        await stageOn(first.page, name).getByText("passed", { exact: true }).waitFor();
      await stageOn(first.page, "Completed").getByText("The candidate is the new baseline.").waitFor();
      await first.page
        .getByText(/minus baseline/)
        .first()
        .waitFor();
      expect([...first.complaints, ...second.complaints]).toEqual([]);
      await first.page.context().close();
      await second.page.context().close();
    });

    it("overrides by a button and a reason, shows what the candidate said, and aborts a canary under traffic", async () => {
      const application = await play("ungated-bot");
      await application.request("shop-2", { isUngated: true, lastingStep: 0 });
      const approver = await open("approver", application);
      await confirm(approver.page, "Override the gate", "to see its canary");
      await approver.page
        .getByText(/gate overridden by the approver.*to see its canary/)
        .first()
        .waitFor();
      await stageOn(approver.page, "Shadow").getByText("passed", { exact: true }).waitFor();
      await approver.page.getByRole("button", { name: /^Show the pairs/ }).click();
      await approver.page.getByText(/pairs are stored/).waitFor();
      const pair = approver.page.locator("details.case").first();
      await pair.locator("summary").click();
      await pair.getByText("Request", { exact: true }).waitFor();

      const operator = await open("operator", application);
      await stageOn(operator.page, "Canary 5 %").getByText("under way").waitFor();
      await operator.page.getByText("Candidate’s requests").waitFor();
      await confirm(operator.page, "Abort", "enough seen");
      await operator.page.getByRole("heading", { level: 1, name: "Aborted" }).waitFor();
      await operator.page.getByText("aborted by the operator: enough seen").waitFor();
      // Whoever looks on sees it without touching anything.
      await approver.page.getByRole("heading", { level: 1, name: "Aborted" }).waitFor();
      expect([...approver.complaints, ...operator.complaints]).toEqual([]);
      await approver.page.context().close();
      await operator.page.context().close();
    });
  });
