import { existsSync, readFileSync } from "node:fs";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { armsIn, countsIn, messageOf } from "./testing/arms-in.ts";
import { zipOf } from "./testing/zip-of.ts";

const sample = (id: string | number, value: unknown, fields: object = {}) => ({
  id,
  epoch: 1,
  input: "…",
  scores: { match: { value, answer: "…" } },
  metadata: {},
  ...fields,
});
const header = (completed: number, fields: object = {}) => ({
  version: 2,
  status: "success",
  eval: { model: "openai/m-1", task: "t" },
  results: { total_samples: completed, completed_samples: completed, scores: [{ name: "match", scorer: "match" }] },
  ...fields,
});
const log = (samples: ReadonlyArray<object>, fields: object = {}) =>
  JSON.stringify({ ...header(samples.length, fields), samples }, null, 2);
const archive = (
  samples: ReadonlyArray<{ readonly id: string | number }>,
  method: "deflate" | "zstandard" = "deflate",
) =>
  zipOf(
    [
      { name: "_journal/start.json", content: "{}" },
      ...samples.map((content) => ({ name: `samples/${content.id}_epoch_1.json`, content: JSON.stringify(content) })),
      { name: "header.json", content: JSON.stringify(header(samples.length)) },
    ],
    method,
  );

const mixed = [
  sample("a", "C"),
  sample("b", "I"),
  sample("c", "P"),
  sample("d", "N"),
  sample("e", true),
  sample("f", 0.25),
  sample("g", { accuracy: 1, style: 0.5 }),
  sample("h", "C", { error: { message: "sandbox died" } }),
  sample("i", null),
];

it.live("reads every kind of value, from JSON and from .eval alike", () =>
  Effect.gen(function* () {
    const expected = { "openai/m-1": { cases: 9, passed: 4, failed: 3, errors: 2 } };
    assert.deepStrictEqual(yield* countsIn(log(mixed)), expected);
    assert.deepStrictEqual(yield* countsIn(archive(mixed)), expected);
    assert.deepStrictEqual(yield* countsIn(archive(mixed, "zstandard")), expected);
  }),
);

it.live("clusters epochs, and takes slices and safety from metadata", () =>
  Effect.gen(function* () {
    const about = { metadata: { category: "law", safety: true } };
    const arms = yield* armsIn(log([sample(7, "C", about), sample(7, "I", { ...about, epoch: 2 })]));
    const [cluster] = [...(arms.get("openai/m-1")?.clusters.values() ?? [])];
    assert.deepInclude(cluster, { caseId: "7", slice: "law", safety: true, scored: 2, scoreSum: 1 });
  }),
);

it.live("takes Python's NaN for no score", () =>
  Effect.gen(function* () {
    const content = log([sample("a", "C"), sample("NaN: quoted", "C")]).replace('"value": "C"', '"value": NaN');
    assert.deepStrictEqual(yield* countsIn(content), { "openai/m-1": { cases: 2, passed: 1, failed: 0, errors: 1 } });
  }),
);

it.live("refuses logs that are no evidence", () =>
  Effect.gen(function* () {
    const one = [sample("a", "C")];
    assert.match(
      yield* messageOf(log(one, { status: "error" })),
      /^unusable: .*status "error"|status is "error"; run the evaluation/u,
    );
    assert.match(yield* messageOf(log(one, { invalidated: true })), /invalidated is true; use a log/u);
    assert.match(yield* messageOf(log(one, { version: 1 })), /^malformed: .*version is 1; convert the log/u);
    assert.match(
      yield* messageOf(log([{ id: "a", epoch: 1 }], { results: null })),
      /results\.scores is empty; score the log/u,
    );
    assert.match(
      yield* messageOf(log(one, { results: { completed_samples: 3, scores: [{ name: "match" }] } })),
      /samples has 1 of 3 entries/u,
    );
    assert.match(yield* messageOf(log([sample("a", 7)])), /samples\.0\.scores\.match\.value is 7; scale the score/u);
    assert.match(yield* messageOf(log([sample("a", "great")])), /value "great" is no score/u);
    assert.match(
      yield* messageOf(log([sample("a", "C"), sample("a", "C")])),
      /case_id a is there twice with repeat 1/u,
    );
  }),
);

it.live("refuses archives that are cut off, unfinished, or bombs", () =>
  Effect.gen(function* () {
    assert.match(yield* messageOf(archive(mixed).slice(0, 700)), /damaged ZIP/u);
    assert.match(
      yield* messageOf(zipOf([{ name: "_journal/start.json", content: "{}" }])),
      /^unusable: .*header\.json is missing; run the evaluation/u,
    );
    const head = { name: "header.json", content: JSON.stringify(header(1)) };
    const zeros = new Uint8Array(65 * 1_048_576);
    const big = zipOf([head, { name: "samples/a.json", content: zeros }]);
    assert.isBelow(big.length, 100_000);
    assert.match(yield* messageOf(big), /unpacks samples\/a\.json to more than 64 MiB/u);
    const liar = zipOf([head, { name: "samples/a.json", content: zeros, claimedBytes: 1_000 }]);
    assert.match(yield* messageOf(liar), /damaged ZIP \(too many bytes/u);
    const many = zipOf([
      head,
      ...Array.from({ length: 40 }, (_, i) => ({
        name: `samples/${i}.json`,
        content: "x",
        claimedBytes: 60 * 1_048_576,
      })),
    ]);
    assert.match(yield* messageOf(many), /unpacks to more than 1024 MiB/u);
  }),
);

/** Real logs, not part of the project. */
const formats = new URL("../../../../../../shared/data/formats/", import.meta.url);
describe.runIf(existsSync(formats))("logs as found in the wild (recorded data, not part of the project)", () => {
  it.live("have the counts of their own summaries", () =>
    Effect.gen(function* () {
      const evalFile = readFileSync(new URL("inspect-popularity-scored.eval", formats));
      // Its header states 10 samples and an accuracy of 0.8.
      assert.deepStrictEqual(yield* countsIn(evalFile), {
        "openai/gpt-4o-mini": { cases: 10, passed: 8, failed: 2, errors: 0 },
      });
      const json = readFileSync(new URL("inspect-log_read_sample.json", formats));
      const { results, eval: about } = JSON.parse(json.toString("utf8"));
      const accuracy = results.scores[0].metrics.accuracy.value;
      assert.deepStrictEqual(yield* countsIn(json), {
        [about.model]: { cases: results.total_samples, passed: results.total_samples * accuracy, failed: 0, errors: 0 },
      });
      assert.match(yield* messageOf(evalFile.subarray(0, 9_000)), /damaged ZIP/u);
    }),
  );
});

it.live("a scorer whose value is a map is listed by its keys and kept by its name", () =>
  Effect.gen(function* () {
    const scores = [
      { name: "accuracy", scorer: "rubric" },
      { name: "style", scorer: "rubric" },
    ];
    const rated = [
      sample("a", null, { scores: { rubric: { value: { accuracy: 1, style: 0.5 } } } }),
      sample("b", null, { scores: { rubric: { value: { accuracy: 0, style: 0.5 } } } }),
    ];
    const results = { total_samples: 2, completed_samples: 2, scores };
    assert.deepStrictEqual(yield* countsIn(log(rated, { results })), {
      "openai/m-1": { cases: 2, passed: 1, failed: 1, errors: 0 },
    });
  }),
);
