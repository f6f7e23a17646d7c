import { assert, describe, it } from "@effect/vitest";
import { at } from "@sluice/release/testing/samples";
import { conversationsSince, type WindowedStep } from "./windowed-step.ts";

const step: WindowedStep = {
  key: "support-bot/rel-1/1",
  application: "support-bot",
  releaseId: "rel-1",
  step: 1,
  share: 0.25,
  version: 7,
  startedAt: at(100),
  windowSeconds: 1,
  judgedBefore: null,
};

describe("conversations", () => {
  it("count against a share from two seconds after the last gateway has taken it", () => {
    assert.strictEqual(conversationsSince(step, at(108), at(109)), at(110));
    assert.strictEqual(conversationsSince({ ...step, windowSeconds: 30 }, at(108), at(109)), at(138));
  });

  it("count at no earlier time than the step's, whatever a gateway's clock says", () => {
    assert.strictEqual(conversationsSince(step, at(90), at(101)), at(102));
  });

  it("do not count while a gateway has not taken it, but after a minute its silence is no excuse", () => {
    assert.isNull(conversationsSince(step, null, at(159)));
    assert.strictEqual(conversationsSince(step, null, at(160)), at(102));
  });
});
