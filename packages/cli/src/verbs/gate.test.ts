import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import * as NodeServices from "@effect/platform-node/NodeServices";
import { afterEach, assert, beforeEach, describe, it, vi } from "@effect/vitest";
import { GateReport } from "@sluice/contracts";
import { caseFormatNames } from "@sluice/evals";
import * as Command from "effect/cli/Command";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { Exit } from "../exit.ts";
import { gateCommand, gateFormats } from "./gate.ts";
import { COMMENT_MARKER } from "./gate-markdown.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-gate-"));
const path = (name: string) => join(folder, name);
const write = (name: string, content: string | Uint8Array) => {
  writeFileSync(path(name), content);
  return path(name);
};

let printed = "";
let remarked = "";
beforeEach(() => {
  printed = "";
  remarked = "";
  // The tests may themselves run in a workflow.
  vi.stubEnv("GITHUB_ACTIONS", "");
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    remarked += String(text);
    return true;
  });
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** Runs the verb as `main` does and gives its exit code, what it printed and its sentence on standard error. */
const gate = (...args: ReadonlyArray<string>) =>
  Command.runWith(gateCommand, { version: "0.0.0" })(args).pipe(
    Effect.provide(NodeServices.layer),
    Effect.result,
    Effect.map((result) => {
      if (Result.isSuccess(result)) return { code: 0, sentence: null, printed };
      const { failure } = result;
      return failure instanceof Exit
        ? { code: failure.code, sentence: failure.sentence, printed }
        : { code: "usage of effect/cli", sentence: null, printed };
    }),
  );

const lines = (count: number, fields: (index: number) => object) =>
  Array.from({ length: count }, (_, i) => JSON.stringify({ case_id: `case-${i}`, ...fields(i) })).join("\n");

const baseline = write(
  "baseline.jsonl",
  lines(60, (i) => ({ slice: i % 2 ? "odd" : "even", score: i % 5 ? 1 : 0 })),
);
const same = write("same.jsonl", readFileSync(baseline));
const worse = write(
  "worse.jsonl",
  lines(60, (i) => ({ slice: i % 2 ? "odd" : "even", score: i % 5 && i % 4 !== 1 ? 1 : 0 })),
);
const few = write(
  "few.jsonl",
  lines(3, () => ({ score: 1 })),
);

describe("verdicts", () => {
  it.effect("no change passes with exit code 0", () =>
    Effect.gen(function* () {
      const { code, printed } = yield* gate("--baseline", baseline, "--candidate", same);
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

describe("reports", () => {
  it.effect("are written before the command fails", () =>
    Effect.gen(function* () {
      const markdown = path("report.md");
      const junit = path("report.xml");
      const { code } = yield* gate(
        "--baseline",
        baseline,
        "--candidate",
        worse,
        "--markdown",
        markdown,
        "--junit",
        junit,
      );
      assert.strictEqual(code, 3);
      const text = readFileSync(markdown, "utf8");
      assert.isTrue(text.startsWith(COMMENT_MARKER));
      assert.match(text, /### ⛔ Sluice gate: blocked/u);
      assert.match(readFileSync(junit, "utf8"), /tests="5" failures="2" errors="0"/u);
    }),
  );

  it.effect("stay within a comment's size and contain no markup from names", () =>
    Effect.gen(function* () {
      const evil = "</details><script>|x| @everyone \u001b[31m `code`\n# title ".repeat(3);
      const results = (score: (i: number) => number) =>
        lines(3_000, (i) => ({ slice: `${evil}${i % 400}`, score: score(i) }));
      const old = write(
        "evil-old.jsonl",
        results(() => 1),
      );
      const fresh = write(
        "evil-new.jsonl",
        results((i) => (i % 3 ? 1 : 0)),
      );
      const markdown = path("evil.md");
      const junit = path("evil.xml");
      const { printed } = yield* gate(
        "--baseline",
        old,
        "--candidate",
        fresh,
        "--markdown",
        markdown,
        "--junit",
        junit,
      );
      const text = readFileSync(markdown, "utf8");
      assert.isBelow(Buffer.byteLength(text), 65_536);
      assert.notMatch(text, /<script|@everyone/u);
      assert.notInclude(readFileSync(junit, "utf8"), "<script");
      const escapeCharacter = "\u001b";
      for (const report of [text, printed, readFileSync(junit, "utf8")]) assert.notInclude(report, escapeCharacter);
    }),
  );

  it.effect("that cannot be written are a usage error", () =>
    Effect.gen(function* () {
      const { code, sentence } = yield* gate(
        "--baseline",
        baseline,
        "--candidate",
        same,
        "--junit",
        path("no/where.xml"),
      );
      assert.strictEqual(code, 2);
      assert.match(sentence ?? "", /--junit .* cannot be written \(ENOENT\)/u);
    }),
  );
});

describe("what reviewers see", () => {
  const asked = (score: (i: number) => number, answer: string) =>
    lines(12, (i) => ({
      score: score(i),
      input: `Write to ada@example.com, ticket ${i}`,
      output: `${answer} ${"`".repeat(4)}`,
    }));
  const old = write(
    "asked-old.jsonl",
    asked(() => 1, "Of course."),
  );
  const fresh = write(
    "asked-new.jsonl",
    asked((i) => (i < 8 ? 0 : 1), "Call sk-abcdefghijklmnopqrstuvwx, code ZX-991"),
  );

  it.effect("are the worst cases with input and both outputs, redacted by rule", () =>
    Effect.gen(function* () {
      const rules = write("redact.yaml", 'results: { redact: [{ pattern: "ZX-\\\\d+", replacement: "[code]" }] }');
      const markdown = path("asked.md");
      const { printed } = yield* gate(
        "--baseline",
        old,
        "--candidate",
        fresh,
        "--policy",
        rules,
        "--markdown",
        markdown,
      );
      assert.match(printed, /case-0 .*\n {4}input {6}Write to \[email\], ticket 0\n {4}baseline {3}Of course\./u);
      for (const report of [printed, readFileSync(markdown, "utf8")]) {
        assert.include(report, "Call [key], code [code]");
        assert.notMatch(report, /ada@|sk-abc|ZX-991/u);
      }
      // The outputs hold four backticks, so their fence has five.
      assert.match(readFileSync(markdown, "utf8"), /\n`{5}text\nOf course\. `{4}\n`{5}\n/u);
    }),
  );

  it.effect("are annotations on GitHub, escaped, and no more than it shows", () =>
    Effect.gen(function* () {
      vi.stubEnv("GITHUB_ACTIONS", "true");
      const results = (score: number) => lines(144, (i) => ({ slice: `100 %, s:${i % 12}`, score }));
      const { printed } = yield* gate(
        "--baseline",
        write("sliced-old.jsonl", results(1)),
        "--candidate",
        write("sliced-new.jsonl", results(0)),
        "--json",
      );
      assert.strictEqual(JSON.parse(printed).verdict, "blocked");
      const errors = remarked.trimEnd().split("\n");
      assert.strictEqual(errors.length, 10);
      assert.match(errors[0] ?? "", /^::error title=Sluice gate%3A blocked::Slice "100 %25, s:0" is down/u);
      assert.match(errors[9] ?? "", /::4 more reasons are in the report\.$/u);
    }),
  );
});

describe("results of other tools", () => {
  it.effect("get slices and safety from their metadata by the rules of sluice.yaml", () =>
    Effect.gen(function* () {
      const rows = (fails: number) =>
        [
          "id,passed,area,risk",
          ...Array.from(
            { length: 20 },
            (_, i) => `t${i},${i >= fails},${i % 2 ? "law" : "tax"},${i === 0 ? "high" : "low"}`,
          ),
        ].join("\n");
      const rules = write("rules.yaml", "results:\n  sliceKeys: [area]\n  safety: [{ key: risk, values: [high] }]\n");
      const files = ["--baseline", write("old.csv", rows(0)), "--candidate", write("new.csv", rows(1))];
      const { printed } = yield* gate(...files, "--policy", rules, "--json");
      const report = Schema.decodeUnknownSync(GateReport)(JSON.parse(printed));
      assert.deepStrictEqual(report.safety, { cases: 1, regressions: ["t0"] });
      assert.deepStrictEqual(
        report.slices.map(({ slice, n }) => [slice, n]),
        [
          ["law", 10],
          ["tax", 10],
        ],
      );
    }),
  );

  it.effect("have rules that are checked", () =>
    Effect.gen(function* () {
      const rules = write("bad-rules.yaml", 'results: { redact: [{ pattern: "(", replacement: "" }], slices: x }');
      const { code, sentence } = yield* gate("--pairs", baseline, "--policy", rules);
      assert.strictEqual(code, 2);
      assert.match(sentence ?? "", /results\.redact\.0\.pattern is "\("; expected a regular expression/u);
      assert.match(sentence ?? "", /results\.slices is no setting/u);
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
describe.runIf(existsSync(new URL("expected_gate.json", recorded)))("recorded model releases", () => {
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
});
