import { readFileSync } from "node:fs";
import { assert, describe, it, vi } from "@effect/vitest";
import { GateReport } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { COMMENT_MARKER } from "./gate-markdown.ts";
import { baseline, captureOutput, gate, lines, path, worse, write } from "./testing/run-gate.ts";

captureOutput();

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
        baseline,
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
      const { printed, remarked } = yield* gate(
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
