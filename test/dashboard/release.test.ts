import { afterAll, describe, expect, it } from "vitest";
import { openBrowser } from "../support/chromium.ts";
import {
  bundle,
  canaryEvidence,
  DashboardStage,
  pairJudgementOf,
  pairOf,
  policy,
  progressOf,
  reports,
  shadowEvidence,
} from "../support/dashboard-stage.ts";
import { visit } from "../support/dashboard-visitor.ts";

const browser = await openBrowser();
if (typeof browser === "string") describe.skip("the dashboard", () => it(`is not tested: ${browser}`, () => {}));
else
  describe("the dashboard's release page", async () => {
    const stage = new DashboardStage();
    await stage.start();
    afterAll(async () => {
      await browser.close();
      await stage.close();
    });
    const open = (role: Parameters<typeof visit>[2], options?: Parameters<typeof visit>[3]) =>
      visit(browser, stage, role, options);
    let releases = 0;
    /** A release of an application of its own, so that the tests do not meet. */
    const scene = async () => {
      releases += 1;
      const release = { application: `bot-${releases}`, releaseId: `rel-${releases}` };
      await stage.register(release.application);
      return release;
    };
    const pathOf = ({ application, releaseId }: { application: string; releaseId: string }) =>
      `/releases/${application}/${releaseId}`;

    it("follows a release from its request to 100 %, without a reload", async () => {
      const release = await scene();
      await stage.request(release.application, release.releaseId);
      const { page, complaints, go } = await open("viewer");
      await go(pathOf(release));
      const stageOf = (name: string) => page.getByRole("listitem").filter({ has: page.getByRole("heading", { name }) });
      await stageOf("Offline gate").getByText("under way").waitFor();
      await stage.say({ _tag: "RecordGateReport", ...release, report: reports.passed });
      await stageOf("Offline gate").getByText("passed", { exact: true }).waitFor();
      await stage.say({ _tag: "StartShadow", ...release });
      await stageOf("Shadow").getByText("under way").waitFor();
      await stage.say(
        { _tag: "RecordShadowVerdict", ...release, verdict: "passed", evidence: shadowEvidence },
        { _tag: "StartCanary", ...release },
      );
      for (const [step, share] of ["1 %", "5 %", "25 %", "100 %"].entries()) {
        await stageOf(`Canary ${share}`).getByText("under way").waitFor();
        await page.getByText(`${share} of users on the candidate`).waitFor();
        await stage.tell(
          progressOf({
            ...release,
            step,
            at: new Date().toISOString(),
            waitsFor: [`more requests in step ${step + 1}`],
          }),
        );
        await page.getByText(`Waits for more requests in step ${step + 1}`).waitFor();
        await stage.say({ _tag: "AdvanceCanary", ...release, evidence: canaryEvidence(step) });
        await stageOf(`Canary ${share}`).getByText("passed", { exact: true }).waitFor();
      }
      await stageOf("Completed").getByText("The candidate is the new baseline.").waitFor();
      expect(await page.locator("canvas").count()).toBeGreaterThan(4);
      expect(complaints).toEqual([]);
      await page.context().close();
    });

    it("follows another into its breach and to its rollback, on the overview and on its page", async () => {
      const release = await scene();
      await stage.intoCanary(release.application, release.releaseId);
      const { page, complaints, go } = await open("viewer");
      await go("/");
      const row = page.getByRole("listitem").filter({ hasText: release.application });
      await row.getByText("Canary").waitFor();
      const sentence = "The error rate is 16 % on the candidate against 0.4 % on the baseline.";
      await stage.say({
        _tag: "BreachCanary",
        ...release,
        cause: "metric",
        sentence,
        since: new Date().toISOString(),
        evidence: canaryEvidence(0),
      });
      await row.getByText("Breach").waitFor();
      expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe("1 release needs somebody");
      // It stands first: whoever opens the page at night reads from the top.
      expect(await page.locator(".row").first().textContent()).toContain(release.application);
      await row.getByRole("link", { name: release.application }).click();
      await page.getByRole("heading", { name: "Canary 1 %" }).getByText("failed").waitFor();
      await page.locator(".verdict", { hasText: sentence }).waitFor();
      const gateways = [{ gatewayId: "gateway-1", acknowledgedAt: new Date().toISOString() }];
      await stage.say(
        { _tag: "ConfirmMitigation", ...release, routingVersion: 9, gateways },
        { _tag: "RollBackRelease", ...release, unacknowledged: [] },
      );
      await page.getByRole("heading", { level: 3, name: "Rolled back" }).waitFor();
      await page.getByText("confirmed by 1 gateway").waitFor();
      expect(complaints).toEqual([]);
      await page.context().close();
    });

    it("aborts by a button that says what it will do, and asks why", async () => {
      const release = await scene();
      await stage.intoCanary(release.application, release.releaseId);
      const { page, complaints, go } = await open("operator");
      await go(pathOf(release));
      await page.getByRole("button", { name: "Abort…" }).click();
      const dialog = page.getByRole("dialog", { name: /Abort/ });
      await dialog.getByText(/1 % of .* users .* go back to the baseline now, and the release ends/).waitFor();
      // Bad input: no reason, and one of spaces only. Nothing is sent, and the form stays.
      await dialog.getByRole("button", { name: "Abort" }).click();
      await dialog
        .getByRole("alert")
        .getByText(/Say why/)
        .waitFor();
      await dialog.getByLabel(/Reason/).fill("   ");
      await dialog.getByRole("button", { name: "Abort" }).click();
      await dialog
        .getByRole("alert")
        .getByText(/Say why/)
        .waitFor();
      await dialog.getByLabel(/Reason/).fill("customers complain");
      await dialog.getByRole("button", { name: "Abort" }).click();
      await page.getByRole("heading", { level: 1, name: "Aborted" }).waitFor();
      await page.getByText("aborted by the operator: customers complain").waitFor();
      expect(await page.getByRole("button", { name: "Abort…" }).count()).toBe(0);
      expect(complaints).toEqual([]);
      await page.context().close();
    });

    it("pauses and resumes, and tells what the registry refuses in its own words", async () => {
      const release = await scene();
      await stage.intoCanary(release.application, release.releaseId);
      const { page, go } = await open("operator");
      await go(pathOf(release));
      await page.getByRole("button", { name: "Pause…" }).click();
      // Meanwhile somebody else has paused it.
      const elsewhere = {
        author: { id: "another", role: "operator" },
        reason: "first",
        commandId: "elsewhere-1",
      } as const;
      await page
        .getByRole("dialog")
        .getByLabel(/Reason/)
        .fill("to look at the answers");
      await stage.say({ _tag: "PauseRelease", ...release, ...elsewhere });
      await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
      await page
        .getByRole("dialog")
        .getByRole("alert")
        .getByText(/paused/)
        .waitFor();
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: "Resume…" }).click();
      await page
        .getByRole("dialog")
        .getByLabel(/Reason/)
        .fill("they are fine");
      await page.getByRole("dialog").getByRole("button", { name: "Resume" }).click();
      await page.getByRole("button", { name: "Pause…" }).waitFor();
      await page.getByText("resumed by the operator: they are fine").waitFor();
      await page.context().close();
    });

    it("overrides a blocked gate with a reason, for an approver", async () => {
      const release = await scene();
      await stage.request(release.application, release.releaseId);
      await stage.say({ _tag: "RecordGateReport", ...release, report: reports.blocked });
      const { page, complaints, go } = await open("approver");
      await go(pathOf(release));
      await page.getByRole("button", { name: "Override the gate…" }).click();
      await page.getByLabel(/Incident/).fill("INC-7");
      await page.getByLabel(/Ends at/).fill("2099-01-01T08:00");
      await page.getByLabel(/Reason/).fill("the outage needs this fix");
      await page.getByRole("dialog").getByRole("button", { name: "Override the gate" }).click();
      await page.getByRole("heading", { name: "Offline gate" }).getByText("overridden").waitFor();
      await page
        .getByText(/gate overridden by the approver until 2099-01-01 .*the outage needs this fix/)
        .first()
        .waitFor();
      expect(complaints).toEqual([]);
      await page.context().close();
    });

    it("rolls the baseline back to a bundle that was released before, chosen from those that were", async () => {
      const release = await scene();
      await stage.intoCanary(release.application, release.releaseId);
      for (const step of [0, 1, 2, 3])
        await stage.say({ _tag: "AdvanceCanary", ...release, evidence: canaryEvidence(step) });
      const { page, complaints, go } = await open("operator");
      await go(`/releases/${release.application}`);
      await page.getByRole("button", { name: "Roll back the baseline…" }).click();
      const dialog = page.getByRole("dialog", { name: `Roll back: ${release.application}` });
      await dialog.getByText(/All users of .* get the chosen bundle at once/).waitFor();
      expect(await dialog.getByRole("option").allTextContents()).toEqual([
        expect.stringContaining(`${bundle("old").digest.slice(7, 19)} · since`),
      ]);
      await dialog.getByLabel(/Reason/).fill("prices are wrong since noon");
      await dialog.getByRole("button", { name: "Roll back" }).click();
      await expect.poll(() => page.getByRole("dialog").count()).toBe(0);
      await go("/");
      const row = page.getByRole("listitem").filter({ hasText: release.application });
      await row.getByRole("link", { name: bundle("old").digest.slice(7, 19) }).waitFor();
      expect(complaints).toEqual([]);
      await page.context().close();
    });

    it("freezes an application with a reason and until when, says so to everybody, and lifts it", async () => {
      const release = await scene();
      await stage.intoCanary(release.application, release.releaseId);
      const { page, complaints, go } = await open("operator");
      await go(`/releases/${release.application}`);
      await page.getByRole("button", { name: "Freeze…" }).click();
      await page.getByRole("dialog").getByLabel(/Until/).fill("2099-01-01T08:00");
      await page.getByLabel(/Reason/).fill("the sale begins");
      await page.getByRole("dialog").getByRole("button", { name: "Freeze" }).click();
      await page.getByRole("button", { name: "Lift the freeze…" }).waitFor();
      await go("/");
      const row = page.getByRole("listitem").filter({ hasText: release.application });
      await row.getByText("Frozen", { exact: true }).waitFor();
      await row.getByText(/2099-01-01 .*the operator: the sale begins/).waitFor();
      await go(`/releases/${release.application}`);
      await page.getByRole("button", { name: "Lift the freeze…" }).click();
      await page.getByLabel(/Reason/).fill("the sale is over");
      await page.getByRole("dialog").getByRole("button", { name: "Lift the freeze" }).click();
      await page.getByRole("button", { name: "Lift the freeze…" }).waitFor({ state: "detached" });
      expect(complaints).toEqual([]);
      await page.context().close();
    });

    it("shows a role no button that it may not press", async () => {
      const [running, blocked] = [await scene(), await scene()];
      await stage.intoCanary(running.application, running.releaseId);
      await stage.request(blocked.application, blocked.releaseId);
      await stage.say({ _tag: "RecordGateReport", ...blocked, report: reports.blocked });
      const buttons = { viewer: 0, ci: 0, operator: 3, approver: 0, admin: 3 } as const;
      for (const [role, expected] of Object.entries(buttons)) {
        const { page, go } = await open(role as keyof typeof buttons);
        await go(pathOf(running));
        await page.getByRole("heading", { name: "Record" }).waitFor();
        await expect.poll(() => page.locator(".actions button").count(), { message: role }).toBe(expected);
        await go(pathOf(blocked));
        await page.getByRole("heading", { name: "Offline gate" }).first().waitFor();
        const may = role === "approver" || role === "admin" ? 1 : 0;
        await expect
          .poll(() => page.getByRole("button", { name: "Override the gate…" }).count(), { message: role })
          .toBe(may);
        await page.context().close();
      }
    });

    it("shows the worst cases with both outputs, and each slice as a figure", async () => {
      const release = await scene();
      const lines = (arm: string, score: number) =>
        `${JSON.stringify({ case_id: "refund-1", slice: "refunds", score, input: "Where is my money?", output: `It ${arm} today.` })}\n`;
      const results = await Promise.all([stage.store(lines("comes", 1)), stage.store(lines("went", 0))]);
      const evidence = {
        evalSet: bundle("set").digest,
        producedAt: new Date().toISOString(),
        baseline: { bundle: bundle("old").digest, results: results[0] },
        candidate: { bundle: bundle("new").digest, results: results[1] },
      };
      await stage.request(release.application, release.releaseId, { evidence, policy });
      await stage.say({ _tag: "RecordGateReport", ...release, report: { ...reports.blocked, evidence } });
      const { page, go } = await open("viewer");
      await go(pathOf(release));
      await page.getByRole("button", { name: "Show the cases that lost most" }).click();
      await page.locator("summary", { hasText: "refund-1" }).click();
      await page.getByText("Where is my money?").waitFor();
      expect(await page.locator("del").allTextContents()).toEqual(["comes"]);
      expect(await page.locator("ins").allTextContents()).toEqual(["went"]);
      const slices = reports.blocked.slices.length;
      expect(await page.locator("svg.interval").count()).toBe(slices);
      await page.context().close();
    });

    it("shows pairs of the shadow with both outputs and the judge's word, to who may read texts, and why there are none", async () => {
      const [kept, off] = [await scene(), await scene()];
      await stage.request(kept.application, kept.releaseId);
      const noTexts = { ...policy, shadow: { ...policy.shadow, payloadSampleRate: 0 } };
      await stage.request(off.application, off.releaseId, { policy: noTexts });
      for (const release of [kept, off])
        await stage.say(
          { _tag: "RecordGateReport", ...release, report: reports.passed },
          { _tag: "StartShadow", ...release },
        );
      const { baseline, candidate } = pairOf({});
      const sides = (before: string, after: string) => ({
        baseline: { ...baseline, errorClass: null, output: before },
        candidate: { ...candidate, errorClass: null, output: after },
      });
      await stage.keep(
        [
          pairOf({ ...kept, pairId: "pair/1", input: "Same?", ...sides("The same.", "The same.") }),
          pairOf({ ...kept, pairId: "pair/2", input: "Where is it?", ...sides("It comes today.", "It went today.") }),
        ],
        [
          pairJudgementOf({ ...kept, judgementId: "j-1", pairId: "pair/1", baselineScore: 1, candidateScore: 1 }),
          pairJudgementOf({ ...kept, judgementId: "j-2", pairId: "pair/2", baselineScore: 1, candidateScore: 0.25 }),
        ],
      );
      const { page, complaints, go } = await open("approver");
      const show = page.getByRole("button", { name: "Show the pairs where the candidate lost most" });
      await go(pathOf(kept));
      await show.click();
      await page.getByText("2 pairs are stored").waitFor();
      const worst = page.locator("details.case").first();
      await worst.locator("summary", { hasText: "Where is it?" }).getByText("−0.75").click();
      await worst.getByText("the judge gave 1.00 to the baseline and 0.25 to the candidate").waitFor();
      expect(await worst.locator("del").allTextContents()).toEqual(["comes"]);
      expect(await worst.locator("ins").allTextContents()).toEqual(["went"]);
      await go(pathOf(off));
      await show.click();
      await page.getByText(/No pair is stored, because this policy keeps no texts/).waitFor();
      expect(complaints).toEqual([]);
      await page.context().close();

      const viewer = await open("viewer");
      await viewer.go(pathOf(kept));
      await viewer.page.getByText(/is shown to operators, approvers and admins/).waitFor();
      expect(await viewer.page.getByRole("button", { name: /Show the pairs/ }).count()).toBe(0);
      await viewer.page.context().close();
    });

    it("says since when it is stale while the stream is cut, and then tells what it has missed, once", async () => {
      const release = await scene();
      await stage.intoCanary(release.application, release.releaseId);
      const { page, go } = await open("viewer");
      await go(pathOf(release));
      await page.getByText("Live", { exact: true }).waitFor();
      await stage.stop();
      await page.getByText(/Stale since \d\d:\d\d:\d\d/).waitFor();
      // The log goes on while nobody can read it.
      await stage.say({ _tag: "AdvanceCanary", ...release, evidence: canaryEvidence(0) });
      await stage.start();
      await page.getByText("Live", { exact: true }).waitFor();
      await page.getByRole("heading", { name: "Canary 1 %" }).getByText("passed").waitFor();
      await page.getByRole("heading", { name: "Canary 5 %" }).getByText("under way").waitFor();
      const positions = await page.locator("#timeline-title ~ div tbody td:first-child").allTextContents();
      expect(positions.length).toBeGreaterThan(5);
      expect(new Set(positions).size).toBe(positions.length);
      await page.context().close();
    });

    it("takes no token that a header could not carry, tells when one is not known, and forgets it on the way out", async () => {
      const { page, go } = await open(null);
      await go("/");
      const submit = page.getByRole("button", { name: "Sign in" });
      await submit.click();
      await page.getByRole("alert").getByText("Paste a token first.").waitFor();
      await page.getByLabel("Access token").fill("two words");
      await submit.click();
      await page
        .getByRole("alert")
        .getByText(/no spaces/)
        .waitFor();
      await page.getByLabel("Access token").fill("unknown-token");
      await submit.click();
      await page
        .getByRole("alert")
        .getByText(/not known/)
        .waitFor();
      await page.getByLabel("Access token").fill("token-of-the-viewer");
      await submit.click();
      await page.getByText("the viewer (viewer)").waitFor();
      expect(await page.evaluate("[localStorage.length, document.cookie]")).toEqual([0, ""]);
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByLabel("Access token").waitFor();
      expect(await page.evaluate("sessionStorage.length")).toBe(0);
      await page.context().close();
    });
  });
