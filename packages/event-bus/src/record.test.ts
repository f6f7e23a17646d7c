import { assert, describe, it } from "@effect/vitest";
import { releasesTopic, routingTopic } from "@sluice/contracts";
import * as Result from "effect/Result";
import { decodeRecord } from "./record.ts";

const reasonOf = (topic: typeof releasesTopic | typeof routingTopic, value: string) =>
  Result.match(decodeRecord<{ readonly _tag: string }>(topic as never, { key: "a", headers: {}, value }), {
    onSuccess: () => assert.fail("it was read"),
    onFailure: (reason) => reason,
  });

describe("a record that is no event says why, and what to do", () => {
  it.each([releasesTopic, routingTopic])("of a type that this version does not know, on %o", (topic) => {
    assert.strictEqual(
      reasonOf(topic, '{"_tag":"ReleaseTeleported"}'),
      `this version knows no ReleaseTeleported on ${topic.name}; run the version that wrote it, and replay the record then`,
    );
    assert.isBelow(reasonOf(topic, JSON.stringify({ _tag: "x".repeat(5_000) })).length, 300);
  });

  it.each(["{}", "5", "null", '{"_tag":5}'])("%s: of no type", (value) => {
    for (const topic of [releasesTopic, routingTopic])
      assert.match(reasonOf(topic, value), /^the value has no _tag .* no service of Sluice/);
  });

  it("with a field that is wrong", () => {
    assert.match(reasonOf(releasesTopic, '{"_tag":"ApplicationRegistered"}'), /at \["\w+"\]/);
  });

  it("that is no JSON", () => {
    assert.strictEqual(reasonOf(releasesTopic, "oops"), "the value is not JSON (4 characters)");
  });
});
