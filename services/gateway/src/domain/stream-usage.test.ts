import { describe, expect, it } from "vitest";
import { askingForUsage, withoutUsageEvent } from "./stream-usage.ts";

describe("askingForUsage", () => {
  it("asks for a stream's token counts, unless the caller has said what it wants", () => {
    expect(askingForUsage("chat/completions", { stream: true, stream_options: { other: 1 } })).toEqual({
      stream: true,
      stream_options: { other: 1, include_usage: true },
    });
    expect(askingForUsage("chat/completions", { stream: true, stream_options: { include_usage: false } })).toBeNull();
    expect(askingForUsage("chat/completions", { stream: false })).toBeNull();
    expect(askingForUsage("responses", { stream: true })).toBeNull();
  });
});

describe("withoutUsageEvent", () => {
  const word = 'data: {"choices":[{"delta":{"content":"the \\"usage\\" 😀"}}],"usage":null}\n\n';
  const usage = 'data: {"choices":[],"usage":{"prompt_tokens":1}}\r\n\r\n';
  const done = "data: [DONE]\n\n";

  it("takes out that event and no other byte", () => {
    expect(withoutUsageEvent(Buffer.from(word + usage + done)).toString()).toBe(word + done);
    expect(withoutUsageEvent(Buffer.from(usage)).length).toBe(0);
    expect(withoutUsageEvent(Buffer.from(word + done)).toString()).toBe(word + done);
  });
});
