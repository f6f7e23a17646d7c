import { referenceOf } from "@sluice/contracts";
import * as Result from "effect/Result";
import { describe, expect, it } from "vitest";
import { bundleOf } from "../testing/routing-fixture.ts";
import type { Endpoint, JsonObject } from "./endpoint.ts";
import { render } from "./render.ts";

const rendered = (endpoint: Endpoint, body: JsonObject, more: Parameters<typeof bundleOf>[1] = {}) =>
  JSON.parse(Result.getOrThrow(render(bundleOf("one", more), endpoint, body)).body);

const messages = [{ role: "user", content: "Hi" }];
const tools = [{ type: "function", function: { name: "look_up", parameters: { type: "object" } } }];

describe("render", () => {
  it("lets the bundle win over the caller, and passes on what it does not know", () => {
    const body = rendered(
      "chat/completions",
      { model: "app", messages, temperature: 1, stream: true, top_k: 40, nested: { deep: [1] } },
      { model: { kind: "model", provider: "p", model: "m", parameters: { temperature: 0.2, max_tokens: 5 } } },
    );
    expect(body).toEqual({
      model: "m",
      messages: [{ role: "system", content: "You are one." }, ...messages],
      temperature: 0.2,
      max_tokens: 5,
      stream: true,
      top_k: 40,
      nested: { deep: [1] },
    });
  });

  it("keeps a model's parameters out of messages, tools and transport", () => {
    const body = rendered(
      "chat/completions",
      { model: "app", messages, stream: false },
      {
        model: {
          kind: "model",
          provider: "p",
          model: "m",
          parameters: { stream: true, messages: [], tools: [], model: "x" },
        },
      },
    );
    expect(body).toMatchObject({ model: "m", stream: false });
    expect(body.messages).toHaveLength(2);
    expect(body.tools).toBeUndefined();
  });

  it("fills placeholders once, from metadata, and leaves unknown ones", () => {
    const prompt = {
      kind: "prompt" as const,
      messages: [{ role: "system" as const, content: "Serve {{ name }} ({{tier}}) in {{city}}. {{constructor}}" }],
    };
    const body = rendered(
      "chat/completions",
      { model: "app", messages, metadata: { name: "{{tier}}", tier: 2 } },
      { prompt },
    );
    expect(body.messages[0].content).toBe("Serve {{tier}} (2) in {{city}}. {{constructor}}");
  });

  it("takes tools from the bundle, in each endpoint's own form", () => {
    const toolSchema = { "tool-schema": { kind: "tool-schema" as const, tools } };
    expect(rendered("chat/completions", { messages, tools: [] }, toolSchema).tools).toEqual(tools);
    expect(rendered("responses", { input: "Hi" }, toolSchema).tools).toEqual([
      { type: "function", name: "look_up", parameters: { type: "object" } },
    ]);
    expect(rendered("chat/completions", { messages, tools }).tools).toEqual(tools);
  });

  it("words the other endpoints as they want it", () => {
    expect(rendered("completions", { prompt: "Once" }).prompt).toBe("You are one.\n\nOnce");
    expect(rendered("completions", { prompt: ["a", [1, 2]] }).prompt).toEqual(["You are one.\n\na", [1, 2]]);
    expect(rendered("embeddings", { input: ["a"] })).toEqual({ input: ["a"], model: "model-one", temperature: 0 });
    expect(rendered("responses", { input: "Hi" }).input).toEqual([
      { role: "system", content: "You are one." },
      { role: "user", content: "Hi" },
    ]);
  });

  it("says which bundle and which index it really used", () => {
    const bundle = bundleOf("one", {
      "retrieval-index": { kind: "retrieval-index", name: "handbücher", version: "7" },
    });
    const { servedBundle, retrievalIndex } = Result.getOrThrow(render(bundle, "chat/completions", { messages }));
    expect(servedBundle).toBe(referenceOf(bundle).digest);
    expect(retrievalIndex).toBe("handb%C3%BCcher%407");
  });

  it.each([
    ["chat/completions", "messages"],
    ["completions", "prompt"],
    ["embeddings", "input"],
    ["responses", "input"],
  ] as const)("%s without %s is the caller's error", (endpoint, param) => {
    const error = Result.getOrNull(Result.flip(render(bundleOf("one"), endpoint, { model: "app" })));
    expect(error).toMatchObject({ status: 400, param, type: "invalid_request_error" });
  });
});
