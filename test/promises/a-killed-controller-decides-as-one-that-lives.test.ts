import { randomSource } from "@sluice/statistics";
import { afterAll, beforeAll, expect, it } from "vitest";
import { KilledStack } from "../support/killed-stack.ts";

// 200 real kills are `pnpm soak:canary`; 200 crashes within one process are among the controller's own tests.
let stack: KilledStack;
beforeAll(async () => {
  stack = await KilledStack.open();
});
afterAll(() => stack.close());

it("kill -9 in the middle of a release changes neither its record, nor its end, nor the page", async () => {
  const undisturbed = await stack.tell("undisturbed", 0, randomSource(1));
  const killed = await stack.tell("killed", 3, randomSource(2));
  expect(undisturbed.decisions).toContain("CanaryBreached 0 metric");
  expect(killed.decisions).toEqual(undisturbed.decisions);
  expect([killed.phase, killed.recordFaults]).toEqual(["rolled-back", []]);
  expect(killed.pages.map((key) => key.replace("/killed/", "/undisturbed/"))).toEqual(undisturbed.pages);
  expect(killed.pages).toHaveLength(1);
  expect(killed.kills).toBeGreaterThan(0);
});
