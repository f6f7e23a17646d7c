import { assert, describe, it } from "@effect/vitest";
import type { ReleaseEvent } from "@sluice/contracts";
import { at, canaryEvidence, event, wayTo } from "@sluice/release/testing/samples";
import { emptyHistory, hasReached, passedEvidence, pinnedVersion, recordEvent } from "./step-history.ts";

const way = wayTo();
const rel1 = { application: "support-bot", releaseId: "rel-1" };
const registered = event("ApplicationRegistered");
const historyOf = (events: ReadonlyArray<ReleaseEvent>) => events.reduce(recordEvent, emptyHistory);

describe("the history of a release's steps", () => {
  it("keeps the evidence of accepted steps, not of refused ones", () => {
    const early = event("CanaryStepPassed", { at: at(110), evidence: { ...canaryEvidence(0), sentence: "too early" } });
    const history = historyOf([registered, ...way.canary, early]);
    assert.isNull(passedEvidence(history, rel1, 0));
    const passed = recordEvent(history, event("CanaryStepPassed", { at: at(160) }));
    assert.strictEqual(passedEvidence(passed, rel1, 0)?.sentence, "all checks passed");
  });

  it("knows the version that pinned a breached release, and that it has reached it", () => {
    const history = historyOf([registered, ...way.breached, event("PageSent")]);
    assert.strictEqual(pinnedVersion(history, rel1), way.breached.length + 1);
    assert.isTrue(hasReached(history, "support-bot", way.breached.length + 2));
    assert.isFalse(hasReached(history, "support-bot", way.breached.length + 3));
  });

  it("tells two applications apart that call a release the same", () => {
    const ofFaq = (one: ReleaseEvent): ReleaseEvent => ({ ...one, application: "faq-bot" });
    const history = historyOf([registered, ...way.breached, ...[registered, ...way.completed].map(ofFaq)]);
    assert.strictEqual(pinnedVersion(history, rel1), way.breached.length + 1);
    assert.isNull(pinnedVersion(history, { ...rel1, application: "faq-bot" }));
  });

  it("forgets a release that has ended", () => {
    const history = historyOf([registered, ...way.completed]);
    assert.strictEqual(history.releases.size, 0);
  });
});
