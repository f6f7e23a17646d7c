import { describe, expect, it } from "vitest";
import { toolDivergence } from "./tool-divergence.ts";

const call = (name: string, args: unknown) => ({
  name,
  arguments: typeof args === "string" ? args : JSON.stringify(args),
});
const lookUp = call("look_up", { order: 7, shop: "north" });
const conversation = {
  messages: [
    { role: "user", content: "Where is it?" },
    { role: "assistant", tool_calls: [{ id: "c1", type: "function", function: { name: "look_up", arguments: "{}" } }] },
    { role: "tool", tool_call_id: "c1", content: "on its way" },
  ],
};

describe("tool calls of the candidate", () => {
  it("are the same in whatever order their arguments are written", () => {
    expect(toolDivergence({}, [], [])).toBeNull();
    expect(toolDivergence({}, [lookUp], [call("look_up", '{ "shop":"north", "order": 7 }')])).toBeNull();
    expect(toolDivergence({}, [call("x", "no JSON")], [call("x", "no JSON")])).toBeNull();
  });

  it.each([
    { what: "another tool", theirs: [call("refund", { order: 7 })], kind: "other-tool", at: 0 },
    { what: "other arguments", theirs: [call("look_up", { order: 8, shop: "north" })], kind: "other-arguments", at: 0 },
    { what: "text instead of a call", theirs: [], kind: "missing-call", at: 0 },
    { what: "one call more", theirs: [lookUp, lookUp], kind: "extra-call", at: 1 },
  ])("diverge with $what, at the turn of the conversation", ({ theirs, kind, at }) => {
    expect(toolDivergence(conversation, [lookUp], theirs)).toEqual({ turn: 1, call: at, kind });
  });

  it("know the turn of the Responses API as well", () => {
    const input = [
      { role: "user", content: "Hi" },
      { type: "function_call", name: "a" },
      { type: "function_call_output" },
    ];
    expect(toolDivergence({ input }, [], [lookUp])).toMatchObject({ turn: 1, kind: "extra-call" });
  });
});
