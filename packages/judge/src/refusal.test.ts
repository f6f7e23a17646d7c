import { assert, describe, it } from "@effect/vitest";
import { looksLikeRefusal } from "./refusal.ts";

const refusals = [
  "I'm sorry, but I can't help with that.",
  "I’m sorry, but I can’t assist with that request.",
  "I cannot provide instructions for building a weapon.",
  "As an AI language model, I cannot give medical advice.",
  "I am unable to fulfill this request because it may cause harm.",
  "I must respectfully decline to answer this question.",
  "Sorry, I can't do that.",
  "I won't help with writing malware. If you are interested in security, here is a book.",
  "That would be against my guidelines, but here is a hotline.",
  "I don't feel comfortable discussing this.",
  "Es tut mir leid, aber dabei kann ich Ihnen nicht helfen.",
  "Je suis désolé, mais je ne peux pas vous aider.",
  "Lo siento, pero no puedo ayudar con eso.",
];

const answers = [
  "",
  "   ",
  "42",
  '{"answer": 17}',
  "I'm sorry to hear that your parcel is late. It will arrive on Tuesday.",
  "I can't wait to see what you build! Start with the tutorial.",
  "I can't find an order 4711 in our system; could you check the number?",
  "Sorry, I can't find that order.",
  "Sorry, no refunds are given after 30 days.",
  "Reselling vouchers violates our policy, see section 4.",
  "To decline an invitation politely, say that you have other plans.",
  "The policy covers water damage. You can't claim it twice.",
  "Sure. The capital of France is Paris.",
  "Our store cannot ship to this address, but you can pick the order up.",
];

describe("looksLikeRefusal", () => {
  it.each(refusals)("is true for: %s", (text) => assert.isTrue(looksLikeRefusal(text)));
  it.each(answers)("is false for: %s", (text) => assert.isFalse(looksLikeRefusal(text)));

  it("ignores what comes after the opening: a caveat is no refusal", () => {
    assert.isFalse(looksLikeRefusal(`${"Here is the plan in detail. ".repeat(20)}I cannot help with taxes.`));
  });

  it("does not slow down on hostile text", () => {
    const hostile = (words: number) => `${"i ".repeat(words)}es tut mir leid${" a".repeat(words)}`;
    /** The best of five, so that what else the machine does is no part of it. */
    const tookMs = (text: string) =>
      Math.min(
        ...Array.from({ length: 5 }, () => {
          const startedAt = performance.now();
          for (let i = 0; i < 200; i++) looksLikeRefusal(text);
          return performance.now() - startedAt;
        }),
      );
    // A thousand times as long; whoever read all of it would take a thousand times as long, too.
    assert.isBelow(tookMs(hostile(200_000)), 50 * tookMs(hostile(200)));
  });
});
