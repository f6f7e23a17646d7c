import { existsSync, readFileSync } from "node:fs";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { armsIn, countsIn, messageOf } from "./testing/arms-in.ts";

const result = (promptIdx: number, testIdx: number, fields: object = {}) => ({
  promptIdx,
  testIdx,
  success: true,
  score: 1,
  failureReason: 0,
  provider: { id: promptIdx === 0 ? "openai:gpt-old" : "openai:gpt-new", label: "" },
  prompt: { label: "Answer: {{question}}", raw: "Answer: x" },
  response: { output: "…", cached: false },
  testCase: {
    description: `test ${testIdx}`,
    vars: { question: `q${testIdx}`, _conversation: [Math.random()] },
    metadata: {},
  },
  ...fields,
});
const file = (results: ReadonlyArray<object>, version: number | string = 3) =>
  JSON.stringify({ evalId: "eval-1", results: { version, prompts: [], results, stats: {} }, config: {} }, null, 2);
const failed = { success: false, score: 0, failureReason: 1, error: "Expected x" };

it.live("makes an arm of each provider, and an error of what a provider or grader could not do", () =>
  Effect.gen(function* () {
    const graderError = {
      pass: true,
      componentResults: [{ pass: true, componentResults: [{ metadata: { graderError: true } }] }],
    };
    const counts = yield* countsIn(
      file([
        result(0, 0),
        result(1, 0, failed),
        result(0, 1, { success: false, failureReason: 2, error: "429" }),
        result(1, 1, { gradingResult: graderError }),
        result(0, 2),
        result(1, 2),
      ]),
    );
    assert.deepStrictEqual(counts, {
      "openai:gpt-old": { cases: 3, passed: 2, failed: 0, errors: 1 },
      "openai:gpt-new": { cases: 3, passed: 1, failed: 1, errors: 1 },
    });
  }),
);

it.live("reads the JSONL writer's output like the JSON", () =>
  Effect.gen(function* () {
    const lines = [result(0, 0), result(1, 0, failed)].map((line) => JSON.stringify(line)).join("\n");
    assert.deepStrictEqual(yield* countsIn(lines), {
      "openai:gpt-old": { cases: 1, passed: 1, failed: 0, errors: 0 },
      "openai:gpt-new": { cases: 1, passed: 0, failed: 1, errors: 0 },
    });
  }),
);

it.live("reads version 2, whose table numbers prompts and tests", () =>
  Effect.gen(function* () {
    const { promptIdx: _, testIdx: __, ...bare } = result(0, 0);
    const output = (pass: boolean) => ({ pass, score: pass ? 1 : 0, text: "…", gradingResult: { pass } });
    const table = {
      head: {
        prompts: [
          { provider: "a", label: "p" },
          { provider: "b", label: "p" },
        ],
        vars: ["q"],
      },
      body: [0, 1].map((i) => ({ outputs: [output(true), output(i === 0)], vars: ["x"], test: { vars: { q: i } } })),
    };
    const content = JSON.stringify({ results: { version: 2, results: [bare, bare, bare, bare], table, stats: {} } });
    assert.deepStrictEqual(yield* countsIn(content), {
      a: { cases: 2, passed: 2, failed: 0, errors: 0 },
      b: { cases: 2, passed: 1, failed: 1, errors: 0 },
    });
  }),
);

it.live("clusters repeats, and takes a cached one for no sample", () =>
  Effect.gen(function* () {
    const arms = yield* armsIn(
      file([result(0, 0), result(0, 0, failed), result(0, 0, { response: { cached: true } }), result(0, 0, failed)]),
    );
    const [cluster] = [...(arms.get("openai:gpt-old")?.clusters.values() ?? [])];
    assert.strictEqual(cluster?.scored, 3);
    assert.strictEqual(cluster?.passes, 1);
  }),
);

it.live("knows slices and safety from metadata, red-team plugins and assertions", () =>
  Effect.gen(function* () {
    const test = (testCase: object) =>
      result(0, 0, { testCase: { vars: { q: JSON.stringify(testCase) }, ...testCase } });
    const arms = yield* armsIn(
      file([
        test({ metadata: { id: "a", slice: "billing" } }),
        test({ metadata: { id: "b", safety: true } }),
        test({ metadata: { id: "c", pluginId: "harmful:hate" } }),
        test({ metadata: { id: "d" }, assert: [{ type: "assert-set", assert: [{ type: "is-refusal" }] }] }),
      ]),
    );
    const found = [...(arms.get("openai:gpt-old")?.clusters.values() ?? [])].map(({ caseId, slice, safety }) => [
      caseId,
      slice,
      safety,
    ]);
    assert.deepStrictEqual(found, [
      ["a", "billing", undefined],
      ["b", undefined, true],
      ["c", "harmful:hate", true],
      ["d", undefined, true],
    ]);
  }),
);

it.live("orders arms as the prompts, whichever call returned first", () =>
  Effect.gen(function* () {
    const arms = yield* armsIn(file([result(1, 0), result(0, 0)]));
    assert.deepStrictEqual([...arms.keys()], ["openai:gpt-old", "openai:gpt-new"]);
  }),
);

it.live("names arms by what differs: the prompt, or both", () =>
  Effect.gen(function* () {
    const arm = (promptIdx: number, provider: string, label: string) =>
      result(promptIdx, 0, { provider: { id: provider }, prompt: { label } });
    const prompts = yield* armsIn(file([arm(0, "p", "old"), arm(1, "p", "new")]));
    assert.deepStrictEqual([...prompts.keys()], ["old", "new"]);
    const both = yield* armsIn(file([arm(0, "p", "old"), arm(1, "q", "old"), arm(2, "p", "new"), arm(3, "q", "new")]));
    assert.deepStrictEqual([...both.keys()], ["p | old", "q | old", "p | new", "q | new"]);
    const same = yield* armsIn(file([arm(0, "p", "x"), arm(1, "p", "x")]));
    assert.deepStrictEqual([...same.keys()], ["p | x", "p | x (2)"]);
  }),
);

it.live("refuses other versions, scores beyond 1, files that are cut off, and files without results", () =>
  Effect.gen(function* () {
    assert.match(yield* messageOf(file([result(0, 0)], 4)), /results\.version is 4; export with a promptfoo/u);
    assert.match(
      yield* messageOf(file([result(0, 0, { score: 5 })])),
      /results\.results\.0\.score is 5; scale the score/u,
    );
    assert.match(
      yield* messageOf(file([result(0, 0, { success: "yes" })])),
      /results\.results\.0\.success is "yes"; /u,
    );
    assert.match(yield* messageOf(file([result(0, 0)]).slice(0, -90)), /ends in the middle of a JSON value/u);
    assert.match(yield* messageOf(file([])), /^unusable: .*0 cases/u);
  }),
);

/** A real file, not part of the project. */
const real = new URL("../../../../../../shared/data/formats/promptfoo-tds-project.json", import.meta.url);
describe.runIf(existsSync(real))("a file as found in the wild (recorded data, not part of the project)", () => {
  it.live("has the counts that its own statistics state", () =>
    Effect.gen(function* () {
      const bytes = readFileSync(real);
      const { stats, results } = JSON.parse(bytes.toString("utf8")).results;
      const counts = yield* countsIn(bytes);
      const total = (key: "passed" | "failed" | "errors" | "cases") =>
        Object.values(counts).reduce((sum, arm) => sum + arm[key], 0);
      assert.deepStrictEqual(
        [total("passed"), total("failed"), total("errors")],
        [stats.successes, stats.failures, stats.errors],
      );
      assert.strictEqual(total("cases"), results.length);
      assert.deepStrictEqual(
        Object.values(counts).map(({ cases }) => cases),
        [5, 5],
      );
    }),
  );
});
