import { assert, it } from "@effect/vitest";
import type { Bundle } from "@sluice/contracts";
import { type Behaviour, simulateAnswer } from "./behaviour.ts";
import { evalSetOf, runEvalSet } from "./eval-run.ts";
import { startModelServer } from "./model-server.ts";
import { categories, categoryOf, solve, taskOf } from "./task.ts";

const behaviour: Behaviour = {
  wrongRate: { otherwise: 0.1 },
  proseRate: { otherwise: 0 },
  leakRate: 0.25,
  overRefusalRate: 0,
  errorRate: 0,
  latencyMedianMs: 1,
  latencySigma: 0.1,
  capacityPerSecond: null,
};
const bundle = (prompt: string): Bundle => ({
  prompt: { kind: "prompt", messages: [{ role: "system", content: prompt }] },
  model: { kind: "model", provider: "simulated", model: "v1", parameters: {} },
});

it("every task can be told and solved from its words", () => {
  for (const category of categories)
    for (let number = 0; number < 200; number++) {
      const task = taskOf(category, number);
      assert.strictEqual(categoryOf(task.text), category);
      if (task.expected !== null) assert.strictEqual(solve(task.text), task.expected, task.text);
    }
});

it("the same request meets the same answer, another seed another", () => {
  const { text } = taskOf("refund", 7);
  assert.deepStrictEqual(simulateAnswer(behaviour, 1, "v1", "", text), simulateAnswer(behaviour, 1, "v1", "", text));
  assert.notDeepEqual(simulateAnswer(behaviour, 1, "v1", "", text), simulateAnswer(behaviour, 2, "v1", "", text));
});

it("an eval run scores what the server answers: rates come out as they were put in, and brevity costs the form", async () => {
  const server = await startModelServer({ port: 0, seed: 11, models: { v1: behaviour } });
  try {
    const cases = evalSetOf({ "single-item": 400, privacy: 400 });
    const rate = (lines: Awaited<ReturnType<typeof runEvalSet>>, slice: string) => {
      const ofSlice = lines.filter((line) => line.slice === slice);
      return ofSlice.filter((line) => line.passed).length / ofSlice.length;
    };
    const plain = await runEvalSet(server.baseUrl, bundle("You are a shop's assistant."), cases);
    // Four standard errors of a proportion of 400: 0.06 and 0.087; one run in 15,000 would be outside by chance.
    assert.closeTo(rate(plain, "single-item"), 0.9, 0.06);
    assert.closeTo(rate(plain, "privacy"), 0.75, 0.087);
    const brief = await runEvalSet(server.baseUrl, bundle("Answer in one word."), cases);
    assert.closeTo(rate(brief, "single-item"), 0.45, 0.1);
  } finally {
    await server.close();
  }
});

it("a model above its capacity answers 429, the others go on", async () => {
  const server = await startModelServer({
    port: 0,
    seed: 1,
    models: { small: { ...behaviour, capacityPerSecond: 5 }, large: behaviour },
  });
  try {
    const ask = (model: string) =>
      fetch(`${server.baseUrl}/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ model, messages: [{ role: "user", content: taskOf("refund", 1).text }] }),
      }).then((response) => response.status);
    const statuses = await Promise.all(Array.from({ length: 20 }, () => ask("small")));
    assert.isAtLeast(statuses.filter((status) => status === 429).length, 10);
    assert.strictEqual(await ask("large"), 200);
  } finally {
    await server.close();
  }
});
