import * as assert from "node:assert/strict";
import { describe, it } from "@effect/vitest";
import { author, event } from "./testing/samples.ts";
import { given, stateAfter } from "./testing/scenario.ts";

const registered = event("ApplicationRegistered");
const asked = event("ErasureRequested");
const done = event("PayloadsErased");

describe("an erasure", () => {
  it("is open until the stores have said that it is done, and then for ever known", () => {
    const [open] = stateAfter(registered, asked).erasures;
    assert.equal(open?.done, null);
    assert.equal(open?.requestedAt, asked.at);
    const [closed] = stateAfter(registered, asked, done).erasures;
    assert.deepEqual(closed?.done, { at: done.at, observations: 3, judgements: 1 });
  });
  it("is done once: what a second registry says after the first is refused", () =>
    given(registered, asked, done).on(event("PayloadsErased")).refused("unknown-erasure"));
  it("is asked for once", () => given(registered, asked).on(asked).refused("duplicate"));
  it("is no operator's, whoever writes to the log", () =>
    given(registered)
      .on(event("ErasureRequested", { author: author("operator") }))
      .refused("wrong-role"));
});
