import type { Bundle, EvalCase } from "@sluice/contracts";
import * as Result from "effect/Result";
import { expect, it } from "vitest";
import { renderCase } from "../../packages/evals/src/runner/render-case.ts";
import { render } from "../../services/gateway/src/domain/render.ts";

// An eval run and the gateway render a bundle apart from each other, because neither may import the other. A request that
// says the same to both must leave both the same.

const bundles: ReadonlyArray<Bundle> = [
  {
    prompt: { kind: "prompt", messages: [] },
    model: { kind: "model", provider: "p", model: "m", parameters: {} },
  },
  {
    prompt: {
      kind: "prompt",
      messages: [
        { role: "system", content: "Serve {{ name }} ({{tier}}, {{tier}}) in {{city}}. {{constructor}} $& {{a b}}" },
        { role: "developer", content: "{{name}}" },
      ],
    },
    model: {
      kind: "model",
      provider: "p",
      model: "m",
      parameters: { temperature: 0.2, max_tokens: 5, stream: true, messages: [], tools: [], model: "x", metadata: {} },
    },
    "tool-schema": { kind: "tool-schema", tools: [{ type: "function", function: { name: "look_up" } }] },
    "retrieval-index": { kind: "retrieval-index", name: "help", version: "7" },
  },
];
const cases: ReadonlyArray<EvalCase> = [
  { case_id: "a", input: "Hi {{name}}" },
  { case_id: "b", input: "Hi", metadata: { name: "{{tier}} $1", tier: 2, city: { not: "shown" } } },
  {
    case_id: "c",
    messages: [
      { role: "user", content: "Hi" },
      { role: "assistant", content: "Hello" },
      { role: "user", content: "And now?" },
    ],
    metadata: { name: true },
  },
];

it.each(
  bundles.flatMap((bundle, i) =>
    cases.map((evalCase) => [`bundle ${i}, case ${evalCase.case_id}`, bundle, evalCase] as const),
  ),
)("%s", (_name, bundle, evalCase) => {
  const messages = evalCase.messages ?? [{ role: "user", content: evalCase.input }];
  const served = Result.getOrThrow(
    render(bundle, "chat/completions", { messages, ...(evalCase.metadata && { metadata: evalCase.metadata }) }),
  );
  // The caller's metadata passes through the gateway; a case's fills the prompt and goes no further.
  const { metadata: _metadata, ...body } = JSON.parse(served.body);
  expect(JSON.parse(renderCase(bundle, evalCase).body)).toEqual(body);
});
