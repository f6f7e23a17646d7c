import { afterAll, beforeAll, expect, it } from "vitest";
import { MitigationStage } from "../support/mitigation-stage.ts";

// Facts only: how long it takes is measured by `pnpm bench:mitigation`, on a machine that does nothing else.
let stage: MitigationStage;
beforeAll(async () => {
  stage = await MitigationStage.open(4);
});
afterAll(() => stage.close());

it("a candidate that breaks at 5 % loses its users at every gateway, and one page says so", async () => {
  const released = await stage.breakAtFivePerCent("support-bot", 40, 1_000);
  // Holds and notices come when they come; the page and the mitigation go on side by side.
  const tags = released.events.map(({ _tag }) => _tag);
  expect(tags.filter((tag) => !/^(Page|Notice|CanaryH)/u.test(tag))).toEqual([
    "ReleaseRequested",
    "OfflineGateInvalid",
    "GateOverridden",
    "ShadowStarted",
    "ShadowPassed",
    "CanaryStepStarted",
    "CanaryBreached",
    "MitigationConfirmed",
    "ReleaseRolledBack",
  ]);
  expect(tags.filter((tag) => tag.startsWith("Page"))).toEqual(["PageSent", "PageResolved"]);
  const breach = released.events.find((event) => event._tag === "CanaryBreached");
  expect(breach?._tag === "CanaryBreached" && breach.sentence).toMatch(/error rate is \d+\.\d\d % on the candidate/);
  expect(released.badAnswers).toBeGreaterThan(0);
  expect(new Set(released.acknowledged).size).toBe(4);
  expect(released.answersAfter).toBe(0);
  const triggers = stage.pages.received.filter((page) => (page as { action?: string }).action === "trigger");
  expect(triggers).toHaveLength(1);
});
