import { standardRedaction } from "@sluice/contracts/redaction";
import { describe, expect, it } from "vitest";
import { MAX_PAYLOAD_LENGTH, payloadText, requestText } from "./payload-text.ts";

const safe = (text: string) => payloadText(text, standardRedaction);

describe("payloadText", () => {
  it("takes out what never has a place in a payload", () => {
    expect(safe("I am jane.doe+x@mail.example.org, card 4111 1111 1111 1111, sk-proj-abcdefghijklmnopqrst.")).toBe(
      "I am [email], card [number], [key].",
    );
    expect(safe("Authorization: Bearer abcdefghijklmnop.qrstuv")).toBe("Authorization: [key]");
    expect(safe("Order 12345 of 2026-01-31 costs 99.50")).toBe("Order 12345 of 2026-01-31 costs 99.50");
  });

  it("is bounded, also in what is redacted at the bound", () => {
    expect(safe("x".repeat(1_000_000))).toHaveLength(MAX_PAYLOAD_LENGTH);
    const atTheBound = `${"x ".repeat(MAX_PAYLOAD_LENGTH / 2 - 4)}jane@example.org`;
    expect(safe(atTheBound)).not.toContain("jane");
  });

  it("holds nothing that a store refuses", () => {
    expect(safe("a\u0000b\ud800c")).toBe("a\uFFFDb\uFFFDc");
  });

  it("stays fast on hostile text", () => {
    const startedMs = performance.now();
    for (const text of ["a@".repeat(40_000), "1 ".repeat(40_000), "a.".repeat(40_000), "sk-".repeat(30_000)])
      safe(text);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });
});

describe("requestText", () => {
  it("is the question itself, or the conversation with its roles", () => {
    expect(requestText("chat/completions", { messages: [{ role: "user", content: "Hi" }] })).toBe("Hi");
    expect(
      requestText("chat/completions", {
        messages: [
          { role: "user", content: [{ type: "text", text: "What is this?" }, { type: "image_url" }] },
          { role: "assistant", content: null, tool_calls: [] },
          { role: "tool", content: "42" },
        ],
      }),
    ).toBe("user: What is this?\ntool: 42");
    expect(requestText("responses", { input: "Hi" })).toBe("Hi");
    expect(requestText("completions", { prompt: ["a", "b"] })).toBe("a\nb");
  });

  it("keeps the end of a long conversation", () => {
    const messages = [
      { role: "user", content: "x".repeat(100_000) },
      { role: "user", content: "the end" },
    ];
    const text = payloadText(requestText("chat/completions", { messages }), standardRedaction, "end");
    expect(text).toHaveLength(MAX_PAYLOAD_LENGTH);
    expect(text.endsWith("the end")).toBe(true);
  });

  it("leaves no tail of a secret where a long conversation is cut", () => {
    const end = "x ".repeat(MAX_PAYLOAD_LENGTH / 2 - 5);
    const text = requestText("responses", { input: `my key is sk-proj-abcdefghijklmnopqrstuvwxyz ${end}` });
    expect(new Set(payloadText(text, standardRedaction, "end"))).toEqual(new Set("[key] x"));
  });
});
