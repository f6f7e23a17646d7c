import { describe, expect, it } from "vitest";
import { ShadowAdmission } from "./shadow-admission.ts";

const unbounded = { maxQueueBytes: 1e9, maxPerSecond: null, maxTokensPerHour: null, maxUsdPerHour: null };
const queue = { queueLimit: 2, concurrency: 1 };
const copy = { application: "support-bot", provider: "openai", bytes: 100 };
const nothing = { tokens: 0, usd: 0 };
const dropped = (admission: ShadowAdmission) => Object.fromEntries(admission.droppedByReason);

describe("ShadowAdmission", () => {
  it("takes as many of an application as may wait and run, and more when one has ended", () => {
    const admission = new ShadowAdmission(unbounded);
    const admits = (application: string) => admission.admits({ ...copy, application }, queue, 0);
    expect([1, 2, 3, 4].map(() => admits("support-bot"))).toEqual([true, true, true, false]);
    expect(admits("search")).toBe(true);
    expect(admission.pending).toBe(4);
    admission.ended(copy, nothing, 0);
    expect([admits("support-bot"), admits("support-bot")]).toEqual([true, false]);
    expect(dropped(admission)).toEqual({ "queue-full": 2 });
  });

  it("holds no more bytes than allowed, over all applications", () => {
    const admission = new ShadowAdmission({ ...unbounded, maxQueueBytes: 250 });
    const applications = ["a", "b", "c"];
    const admitted = applications.map((application) => admission.admits({ ...copy, application }, queue, 0));
    expect(admitted).toEqual([true, true, false]);
    admission.ended({ ...copy, application: "a" }, nothing, 0);
    expect(admission.admits({ ...copy, application: "c" }, queue, 0)).toBe(true);
    expect(dropped(admission)).toEqual({ memory: 1 });
  });

  it("keeps each application within its rate and what an hour may cost, also over a failure", () => {
    const admission = new ShadowAdmission({ ...unbounded, maxPerSecond: 1, maxTokensPerHour: 1_000 });
    const admits = (nowMs: number) => admission.admits(copy, queue, nowMs);
    expect([admits(0), admits(500)]).toEqual([true, false]);
    admission.ended(copy, { tokens: 1_000, usd: 0.1 }, 600);
    expect(admission.lose(0)).toBe(0);
    expect([admits(1_000), admits(3_600_000)]).toEqual([false, true]);
    expect(dropped(admission)).toEqual({ rate: 1, budget: 1, failed: 0 });
  });

  it("leaves a provider alone that is paused, and asks the others", () => {
    const admission = new ShadowAdmission(unbounded);
    admission.paused([["openai", 1_000]]);
    // What a shadow says that has started anew.
    admission.paused([]);
    expect(admission.admits(copy, queue, 999)).toBe(false);
    expect(admission.admits({ ...copy, provider: "other" }, queue, 999)).toBe(true);
    expect(admission.admits(copy, queue, 1_000)).toBe(true);
    expect(dropped(admission)).toEqual({ "rate-limited": 1 });
  });

  it("counts what is pending as lost when the shadow fails, and takes new copies", () => {
    const admission = new ShadowAdmission({ ...unbounded, maxQueueBytes: 300 });
    for (let i = 0; i < 3; i += 1) admission.admits(copy, queue, 0);
    expect(admission.lose(0)).toBe(3);
    expect(admission.pending).toBe(0);
    expect(admission.admits({ ...copy, bytes: 300 }, queue, 0)).toBe(true);
    expect(dropped(admission)).toEqual({ failed: 3 });
  });

  it("pays for what is lost from the hour's budget", () => {
    const admission = new ShadowAdmission({ ...unbounded, maxTokensPerHour: 50 });
    for (let i = 0; i < 2; i += 1) admission.admits(copy, queue, 0);
    admission.lose(0);
    expect([admission.admits(copy, queue, 1), admission.admits(copy, queue, 3_600_000)]).toEqual([false, true]);
  });
});
