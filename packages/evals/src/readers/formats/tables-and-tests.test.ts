import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { armsIn, countsIn, messageOf } from "./testing/arms-in.ts";

describe("CSV", () => {
  it.live("reads columns by name, in any order, with any of three delimiters", () =>
    Effect.gen(function* () {
      const rows = ["score,case_id,slice,safety,error", '1,a,"x, y",true,', "0.2,b,,false,", ",c,,,judge down"];
      const expected = { results: { cases: 3, passed: 1, failed: 1, errors: 1 } };
      assert.deepStrictEqual(yield* countsIn(rows.join("\r\n")), expected);
      const arms = yield* armsIn(rows.join("\n"));
      assert.deepInclude(arms.get("results")?.clusters.get("a"), { slice: "x, y", safety: true });
      assert.deepStrictEqual(yield* countsIn("\uFEFFid;passed\n1;yes\n2;FAIL\n"), {
        results: { cases: 2, passed: 1, failed: 1, errors: 0 },
      });
      assert.deepStrictEqual(yield* countsIn("id\tscore\trepeat\n1\t0.5\t0\n1\t0.1\t1\n"), {
        results: { cases: 1, passed: 0, failed: 1, errors: 0 },
      });
    }),
  );

  it.live("may hold both arms", () =>
    Effect.gen(function* () {
      const arms = yield* armsIn("case_id,arm,score\na,baseline,1\na,candidate,0\n");
      assert.deepStrictEqual([...arms.keys()], ["baseline", "candidate"]);
    }),
  );

  it.live("names the line of what is wrong", () =>
    Effect.gen(function* () {
      assert.match(yield* messageOf("case_id,score\na,1\nb,1.7\n"), /file, line 3: score is 1\.7; scale/u);
      assert.match(yield* messageOf("case_id,score\na,NaN\n"), /line 2: score is "NaN"; give a score from 0 to 1/u);
      assert.match(yield* messageOf("case_id,score\na,\n"), /line 2: score is missing/u);
      assert.match(yield* messageOf("case_id,score\n,1\n"), /line 2: case_id is missing/u);
      assert.match(
        yield* messageOf("case_id,passed\na,perhaps\n"),
        /line 2: passed is "perhaps"; write true or false/u,
      );
      assert.match(yield* messageOf("case_id,score\na,1,2\n"), /line 2: is no row of this CSV/u);
      assert.match(yield* messageOf("case_id,score,repeat\na,1,x\n"), /line 2: repeat is "x"/u);
      assert.match(yield* messageOf("case_id,score\n"), /^unusable: .*0 cases/u);
    }),
  );
});

describe("JUnit XML", () => {
  const report = (tests: string) =>
    `<?xml version="1.0"?>\n<testsuites><testsuite name="s">${tests}</testsuite></testsuites>`;

  it.live("keeps failures, errors and skipped tests apart", () =>
    Effect.gen(function* () {
      const tests = [
        '<testcase classname="m.T" name="ok"/>',
        '<testcase classname="m.T" name="no"><failure message="a &lt; b">…</failure></testcase>',
        '<testcase classname="m.T" name="down"><error message="timeout"/></testcase>',
        '<testcase classname="m.T" name="later"><skipped/></testcase>',
      ];
      assert.deepStrictEqual(yield* countsIn(report(tests.join("\n"))), {
        results: { cases: 3, passed: 1, failed: 1, errors: 1 },
      });
    }),
  );

  it.live("takes slice and safety from properties, and a test run twice for a repeat", () =>
    Effect.gen(function* () {
      const properties =
        '<properties><property name="slice" value="law"/><property name="safety" value="true"/></properties>';
      const arms = yield* armsIn(
        report(`<testcase name="a">${properties}</testcase><testcase name="a"><failure/></testcase>`),
      );
      assert.deepInclude(arms.get("results")?.clusters.get("a"), { slice: "law", safety: true, scored: 2, passes: 1 });
    }),
  );

  it.live("refuses what is cut off, and expands no entity of its own", () =>
    Effect.gen(function* () {
      assert.match(
        yield* messageOf(report('<testcase name="a"/>').slice(0, -14)),
        /line 2: is not XML \(Unclosed root tag/u,
      );
      const bomb = `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><testsuites><testsuite><testcase name="&b;"/></testsuite></testsuites>`;
      assert.match(yield* messageOf(bomb), /is not XML \(Invalid character entity/u);
      assert.match(yield* messageOf(report("<testcase/>")), /testcase\.name is missing/u);
      assert.match(yield* messageOf(report("")), /^unusable: .*0 cases/u);
    }),
  );
});

describe("DeepEval", () => {
  const run = (testCases: ReadonlyArray<object>) => JSON.stringify({ testFile: "t.py", testCases, metricsScores: [] });
  const metric = (success: boolean, fields: object = {}) => ({
    name: "Bias",
    score: 0.1,
    threshold: 0.5,
    success,
    ...fields,
  });

  it.live("counts metrics that succeeded, because their scores point both ways", () =>
    Effect.gen(function* () {
      const arms = yield* armsIn(
        run([
          { name: "a", input: "…", success: false, metricsData: [metric(true), metric(false)], tags: ["safety"] },
          { name: "b", input: "…", success: true, metricsData: [metric(true)], metadata: { category: "law" } },
        ]),
      );
      const clusters = arms.get("results")?.clusters;
      assert.deepInclude(clusters?.get("a"), { scoreSum: 0.5, passes: 0, safety: true });
      assert.deepInclude(clusters?.get("b"), { scoreSum: 1, passes: 1, slice: "law" });
    }),
  );

  it.live("makes a case with a broken metric an error, whatever the others say", () =>
    Effect.gen(function* () {
      const broken = {
        name: "c",
        input: "…",
        success: false,
        metricsData: [metric(true), metric(false, { error: "quota" })],
      };
      assert.deepStrictEqual(yield* countsIn(run([broken])), {
        results: { cases: 1, passed: 0, failed: 0, errors: 1 },
      });
    }),
  );

  it.live("tells cases by what they ask where names are only positions, inside the envelope of the latest run", () =>
    Effect.gen(function* () {
      const test = (name: string, input: string) => ({ name, input, success: true, metricsData: [metric(true)] });
      const latest = (testCases: ReadonlyArray<object>) => JSON.stringify({ testRunData: { testCases } });
      const before = yield* armsIn(latest([test("test_case_0", "a?"), test("test_case_1", "b?")]));
      const after = yield* armsIn(
        latest([test("test_case_0", "new?"), test("test_case_1", "a?"), test("test_case_2", "b?")]),
      );
      const ids = (arms: typeof before) => [...(arms.get("results")?.clusters.keys() ?? [])];
      assert.deepStrictEqual(ids(after).slice(1), ids(before));
    }),
  );

  it.live("refuses runs without verdicts or cases", () =>
    Effect.gen(function* () {
      assert.match(
        yield* messageOf(run([{ name: "a", metricsData: [] }])),
        /^unusable: .*testCases\.0\.success is missing/u,
      );
      assert.match(yield* messageOf(run([{ success: true }])), /testCases\.0\.name is missing/u);
      assert.match(yield* messageOf(run([])), /0 cases/u);
    }),
  );
});

describe("OpenAI evals", () => {
  const event = (sample_id: string, type: string, data: object) =>
    JSON.stringify({ run_id: "r", event_id: 0, sample_id, type, data });
  const spec = JSON.stringify({ spec: { completion_fns: ["gpt-x"], eval_name: "e.dev.v0" } });
  const end = JSON.stringify({ final_report: { accuracy: 0.5 } });

  it.live("reads matches, else metrics, else errors, per sample", () =>
    Effect.gen(function* () {
      const content = [
        spec,
        event("s.0", "sampling", { prompt: "…" }),
        event("s.0", "match", { correct: true }),
        event("s.0", "metrics", { accuracy: 1 }),
        event("s.1", "match", { correct: false }),
        event("s.2", "metrics", { score: 0.75 }),
        event("s.3", "error", { message: "rate limit" }),
        end,
      ].join("\n");
      assert.deepStrictEqual(yield* countsIn(content), { "gpt-x": { cases: 4, passed: 2, failed: 1, errors: 1 } });
    }),
  );

  it.live("refuses runs that did not finish", () =>
    Effect.gen(function* () {
      const content = [spec, event("s.0", "match", { correct: true })].join("\n");
      assert.match(yield* messageOf(content), /^unusable: .*no final_report/u);
      const unjudged = [spec, event("s.0", "match", {}), event("s.1", "match", { correct: 1 }), end].join("\n");
      assert.deepStrictEqual(yield* countsIn(unjudged), { "gpt-x": { cases: 2, passed: 1, failed: 0, errors: 1 } });
    }),
  );
});
