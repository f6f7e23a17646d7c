import { existsSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { assert, describe, it } from "@effect/vitest";
import { GateReport } from "@sluice/contracts";
import { caseFormatNames } from "@sluice/evals";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { gateFormats } from "./gate.ts";
import { baseline, captureOutput, few, folder, gate, lines, path, worse, write } from "./testing/run-gate.ts";

captureOutput();

describe("verdicts", () => {
  it.effect("no change passes with exit code 0", () =>
    Effect.gen(function* () {
      const { code, printed } = yield* gate("--baseline", baseline, "--candidate", baseline);
      assert.strictEqual(code, 0);
      assert.match(printed, /^PASSED {2}No rule found the candidate worse on 60 cases\./u);
    }),
  );

  it.effect("a regression is blocked with exit code 3, and the report says where", () =>
    Effect.gen(function* () {
      const { code, printed } = yield* gate("--baseline", baseline, "--candidate", worse);
      assert.strictEqual(code, 3);
      assert.match(printed, /^BLOCKED {2}The candidate is worse: 1 slice down and the headline down\./u);
      assert.match(printed, /✗ Slice "odd" is down by 0\.400/u);
      assert.match(printed, /Cases to look at first\n {2}case-1 /u);
      assert.match(printed, /with probability 0\.8/u);
      assert.match(printed, /these rules block [\d.]+ % of candidates that are exactly as good/u);
    }),
  );

  it.effect("--json prints the report and nothing else", () =>
    Effect.gen(function* () {
      const { code, printed } = yield* gate("--baseline", baseline, "--candidate", worse, "--json");
      assert.strictEqual(code, 3);
      const report = yield* Schema.decodeUnknownEffect(GateReport, { onExcessProperty: "error" })(JSON.parse(printed));
      assert.strictEqual(report.verdict, "blocked");
      assert.deepStrictEqual(
        report.reasons.map(({ rule }) => rule),
        ["slice", "headline"],
      );
    }),
  );

  it.effect("too few cases are inconclusive with exit code 4", () =>
    Effect.gen(function* () {
      const { code, printed } = yield* gate("--baseline", few, "--candidate", few);
      assert.strictEqual(code, 4);
      assert.match(printed, /3 usable cases are fewer than the 10/u);
    }),
  );

  it.effect("a candidate that skipped cases is invalid with exit code 5", () =>
    Effect.gen(function* () {
      const { code, printed } = yield* gate("--baseline", baseline, "--candidate", few);
      assert.strictEqual(code, 5);
      assert.match(printed, /57 cases of the baseline have no result of the candidate: case-3, case-4/u);
    }),
  );
});

const good = JSON.stringify({ case_id: "a", score: 1 });
const badFiles: ReadonlyArray<readonly [string, string | Uint8Array, number, RegExp]> = [
  [
    "truncated gzip",
    gzipSync(lines(500, (i) => ({ score: i / 500 }))).subarray(0, 900),
    2,
    /gzip that ends too early; .*cut off/u,
  ],
  [
    "NaN",
    `${good}\n{"case_id":"b","score":NaN}`,
    2,
    /line 2: score NaN is no number in JSON; write a number from 0 to 1/u,
  ],
  ["score out of range", `${good}\n{"case_id":"b","score":1.7}`, 2, /line 2: score is 1\.7; give a score from 0 to 1/u],
  ["duplicate case", `${good}\n${good}`, 2, /line 2: case_id a is there twice with repeat 0; give each case one line/u],
  ["unknown slice type", '{"case_id":"a","score":1,"slice":7}', 2, /line 1: slice is 7; give the slice as a string/u],
  ["cut off line", `${good}\n{"case_id":"b","sco`, 2, /line 2: ends in the middle of a JSON value/u],
  ["invalid JSON", `${good}\nhello`, 2, /line 2: "hello" is not JSON/u],
  ["no score", '{"case_id":"a","slice":"x","passed":null}', 2, /line 1: passed is null; write true or false/u],
  ["nothing to score by", '{"case_id":"a","slice":"x"}', 2, /line 1: score is missing; give score/u],
  [
    "invalid UTF-8",
    Buffer.concat([Buffer.from('{"case_id":"'), Buffer.from([0xff, 0xfe]), Buffer.from('","score":1}')]),
    2,
    /line 1: is not UTF-8/u,
  ],
  ["other format", "PAR1\u0000\u0001", 2, /is in no format that is known/u],
  ["0 cases", "", 5, /0 cases/u],
  ["only blank lines", "\n\n", 5, /0 cases/u],
];

describe("bad input gets one sentence", () => {
  for (const [name, content, wanted, sentence] of badFiles)
    it.effect(name, () =>
      Effect.gen(function* () {
        const file = write(`bad-${name.replaceAll(" ", "-")}`, content);
        const { code, sentence: said, printed } = yield* gate("--baseline", baseline, "--candidate", file);
        const text = said ?? printed;
        assert.match(text, sentence);
        assert.include(text, file);
        assert.strictEqual(code, wanted);
      }),
    );

  it.effect("missing arm of a pair", () =>
    Effect.gen(function* () {
      const file = write("pair.jsonl", '{"case_id":"a","baseline":{"score":1}}');
      const { code, sentence } = yield* gate("--pairs", file);
      assert.strictEqual(code, 2);
      assert.match(sentence ?? "", /line 1: candidate is missing; give the results of both arms/u);
    }),
  );

  it.effect("files that are not there, or are none", () =>
    Effect.gen(function* () {
      const missing = yield* gate("--baseline", baseline, "--candidate", path("nowhere.jsonl"));
      assert.strictEqual(missing.code, 2);
      assert.match(missing.sentence ?? "", /nowhere\.jsonl: does not exist; check the path/u);
      const directory = yield* gate("--pairs", folder);
      assert.match(directory.sentence ?? "", /is a directory; name a file/u);
    }),
  );

  it.effect("flags that do not fit together", () =>
    Effect.gen(function* () {
      const none = yield* gate();
      assert.strictEqual(none.code, 2);
      assert.match(none.sentence ?? "", /nothing to compare/u);
      assert.match((yield* gate("--baseline", baseline)).sentence ?? "", /--candidate is missing/u);
      assert.match(
        (yield* gate("--baseline", baseline, "--pairs", baseline)).sentence ?? "",
        /--pairs holds both arms/u,
      );
    }),
  );
});

describe("policy", () => {
  const run = (policy: string, name: string) =>
    gate("--baseline", baseline, "--candidate", worse, "--policy", write(name, policy), "--json");

  it.effect("comes from sluice.yaml, from a bare policy, and from JSON", () =>
    Effect.gen(function* () {
      const repository = "application: support-bot\npolicy:\n  offline:\n    slices: warn\n    headline: off\n";
      assert.strictEqual((yield* run(repository, "sluice.yaml")).code, 0);
      assert.strictEqual((yield* run('offline: { slices: warn, headline: "off" }', "policy.yaml")).code, 0);
      assert.strictEqual((yield* run('{"offline":{"slices":"off","headline":"off"}}', "policy.json")).code, 0);
      assert.strictEqual((yield* run("application: support-bot\n", "bare.yaml")).code, 3);
    }),
  );

  it.effect("with faults is refused with a sentence for each", () =>
    Effect.gen(function* () {
      const { code, sentence } = yield* run(
        "policy:\n  offline:\n    sliceSigma: 3\n    headlineAlpha: 1.5\n    safety: maybe\n",
        "faulty.yaml",
      );
      assert.strictEqual(code, 2);
      assert.match(sentence ?? "", /policy\.offline\.sliceSigma is no setting/u);
      assert.match(sentence ?? "", /policy\.offline\.headlineAlpha is 1\.5; expected a value less than 1/u);
      assert.match(sentence ?? "", /policy\.offline\.safety is "maybe"; expected "enforce" \| "warn" \| "off"/u);
    }),
  );

  it.effect("that is no YAML is refused with its line", () =>
    Effect.gen(function* () {
      const { code, sentence } = yield* run("policy:\n  offline: [1, 2\n", "broken.yaml");
      assert.strictEqual(code, 2);
      assert.match(sentence ?? "", /broken\.yaml, line \d+: not YAML/u);
    }),
  );
});

it("offers every format there is", () => assert.deepStrictEqual([...gateFormats], ["auto", ...caseFormatNames]));

/** Recorded results of public models and the verdicts that the design's rules give on them; not part of the project. */
const recorded = new URL("../../../../../shared/data/", import.meta.url);
describe.runIf(existsSync(new URL("expected_gate.json", recorded)))(
  "recorded model releases (recorded data, not part of the project)",
  () => {
    it.effect("GPT-4 from March to June 2023 on primes is blocked: 84.0 % → 51.1 %", () =>
      Effect.gen(function* () {
        const file = new URL("pairs/llmdrift-prime-gpt4-0314-0613.jsonl.gz", recorded).pathname;
        const { code, printed } = yield* gate("--pairs", file, "--json");
        assert.strictEqual(code, 3);
        const report = Schema.decodeUnknownSync(GateReport)(JSON.parse(printed));
        assert.closeTo(report.headline?.baselineMean ?? 0, 0.84, 1e-9);
        assert.closeTo(report.headline?.candidateMean ?? 0, 0.511, 1e-9);
      }),
    );
  },
);
