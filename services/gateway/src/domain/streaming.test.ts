import { describe, expect, it } from "vitest";
import { chatChunk } from "../testing/simulated-upstream.ts";
import { SseSplitter } from "./sse-splitter.ts";
import { StreamFacts } from "./stream-facts.ts";

/** A small seeded generator, so that a failing split can be repeated. */
const randomOf = (seed: number) => () => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return seed / 2 ** 32;
};

describe("SseSplitter", () => {
  const events = [
    ": a comment",
    'data: {"a":1}',
    "event: named\r\ndata: x",
    "data: two\ndata: lines",
    "data:без пробела 😀",
    "data: [DONE]",
  ];
  const expected = ['{"a":1}', "x", "two\nlines", "без пробела 😀", "[DONE]"];

  it("finds the same events however the bytes are cut, and passes on every byte", () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const random = randomOf(seed);
      const text = events.map((event) => event + (random() < 0.5 ? "\n\n" : "\r\n\r\n")).join("");
      const bytes = Buffer.from(random() < 0.5 ? text : text.trimEnd());
      const splitter = new SseSplitter(1_000);
      const data: Array<string> = [];
      const passed: Array<Buffer> = [];
      for (let at = 0; at < bytes.length; ) {
        const length = 1 + Math.floor(random() * (random() < 0.5 ? 3 : 40));
        const split = splitter.push(bytes.subarray(at, at + length));
        at += length;
        data.push(...(split?.data ?? ["too large"]));
        if (split?.whole) {
          passed.push(split.whole);
          expect(split.whole.toString().endsWith("\n")).toBe(true);
        }
      }
      const end = splitter.end();
      data.push(...end.data);
      if (end.whole) passed.push(end.whole);
      expect(data).toEqual(expected);
      expect(Buffer.concat(passed).equals(bytes)).toBe(true);
    }
  });

  it("gives up on an event without an end", () => {
    const splitter = new SseSplitter(100);
    expect(splitter.push(Buffer.alloc(90, "x"))).not.toBeNull();
    expect(splitter.push(Buffer.alloc(90, "x"))).toBeNull();
  });
});

describe("StreamFacts", () => {
  const factsOf = (events: ReadonlyArray<unknown>, endpoint: "chat/completions" | "responses" = "chat/completions") => {
    const facts = new StreamFacts(endpoint, 1_000);
    for (const event of events) facts.accept(typeof event === "string" ? event : JSON.stringify(event));
    return facts;
  };

  it("puts text, tool calls, usage and the end together", () => {
    const facts = factsOf([
      chatChunk({ role: "assistant", content: "" }),
      chatChunk({ content: "Let me " }),
      chatChunk({ content: "see." }),
      chatChunk({ tool_calls: [{ index: 0, function: { name: "look_up", arguments: "" } }] }),
      chatChunk({ tool_calls: [{ index: 0, function: { arguments: '{"id"' } }] }),
      chatChunk({ tool_calls: [{ index: 0, function: { arguments: ":7}" } }] }),
      chatChunk({}, "tool_calls"),
      { choices: [], usage: { prompt_tokens: 5, completion_tokens: 9 } },
      "[DONE]",
    ]);
    expect(facts.complete).toBe(true);
    expect(facts.facts()).toEqual({
      text: 'Let me see.\n[{"name":"look_up","arguments":"{\\"id\\":7}"}]',
      toolCalls: [{ name: "look_up", arguments: '{"id":7}' }],
      declined: false,
      finishReason: "tool_calls",
      inputTokens: 5,
      outputTokens: 9,
    });
  });

  it("takes no word from an upstream that a store would refuse", () => {
    expect(factsOf([chatChunk({}, "st\u0000op\ud800".padEnd(100, "x"))]).facts().finishReason).toBe(
      "st?op?".padEnd(64, "x"),
    );
  });

  it("starts with the first word, not with the role", () => {
    expect(factsOf([chatChunk({ role: "assistant", content: "" })]).started).toBe(false);
    expect(factsOf([chatChunk({ content: "W" })]).started).toBe(true);
  });

  it("tells broken events and reported errors from good ones", () => {
    const facts = new StreamFacts("chat/completions", 1_000);
    expect(facts.accept('{"choices": [')).toBe("malformed");
    expect(facts.accept("7")).toBe("malformed");
    expect(facts.accept('{"error":{"message":"x"}}')).toBe("error");
    expect(facts.complete).toBe(false);
  });

  it("survives hostile tool call indices", () => {
    const facts = factsOf([chatChunk({ tool_calls: [{ index: 1e9, function: { name: "x" } }, { index: -1 }, null] })]);
    expect(facts.facts().text).toBe("");
  });

  it("reads the Responses API from its last event", () => {
    const facts = factsOf(
      [
        { type: "response.created", response: { status: "in_progress" } },
        { type: "response.output_text.delta", delta: "Hel" },
        { type: "response.output_text.delta", delta: "lo" },
        {
          type: "response.completed",
          response: {
            status: "completed",
            output: [{ type: "message", content: [{ type: "output_text", text: "Hello" }] }],
            usage: { input_tokens: 3, output_tokens: 1 },
          },
        },
      ],
      "responses",
    );
    expect(facts.complete).toBe(true);
    expect(facts.facts()).toEqual({
      text: "Hello",
      toolCalls: [],
      declined: false,
      finishReason: "completed",
      inputTokens: 3,
      outputTokens: 1,
    });
  });
});
