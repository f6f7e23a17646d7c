import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { assert, describe, it } from "@effect/vitest";
import { Policy } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { fileSource } from "./adapters/file-source.ts";
import { readCaseTable } from "./adapters/read-case-table.ts";
import { evaluateGate } from "./domain/evaluate-gate.ts";

/** Recorded results of public models and the verdicts that the design's rules give on them; not part of the project. */
const data = new URL("../../../../shared/data/", import.meta.url);
const expectedFile = new URL("expected_gate.json", data);

interface Expected {
  readonly n: number;
  readonly safety_cases: number;
  readonly safety_regressions: number;
  readonly headline_test: string;
  readonly headline_p: number;
  readonly headline_diff: number;
  readonly slices_breached: Readonly<Record<string, { readonly n: number; readonly z: number }>>;
  readonly verdict: "pass" | "block";
  readonly reasons: ReadonlyArray<string>;
}

const near = (actual: number, expected: number, relative: number) =>
  assert.isAtMost(
    Math.abs(actual - expected),
    relative * Math.max(Math.abs(expected), 1e-300),
    `${actual} ${expected}`,
  );

describe.runIf(existsSync(expectedFile))("recorded model releases (recorded data, not part of the project)", () => {
  const expected: Readonly<Record<string, Expected>> = existsSync(expectedFile)
    ? JSON.parse(readFileSync(expectedFile, "utf8"))
    : {};
  const policy = Schema.decodeUnknownSync(Policy)({}).offline;

  for (const [name, wanted] of Object.entries(expected)) {
    it.effect(name, () =>
      Effect.gen(function* () {
        const pairs = fileSource(fileURLToPath(new URL(`pairs/${name}.jsonl.gz`, data)));
        const report = evaluateGate(yield* readCaseTable({ pairs }), policy);
        assert.strictEqual(report.verdict, { pass: "passed", block: "blocked" }[wanted.verdict]);
        assert.strictEqual(report.cases.paired, wanted.n);
        assert.strictEqual(report.safety.cases, wanted.safety_cases);
        assert.strictEqual(report.safety.regressions.length, wanted.safety_regressions);
        assert.strictEqual(report.headline?.test, wanted.headline_test);
        near(report.headline?.pValue ?? Number.NaN, wanted.headline_p, 1e-6);
        near(report.headline?.difference ?? Number.NaN, wanted.headline_diff, 1e-6);
        const breached = report.slices.filter((slice) => slice.breached);
        assert.deepStrictEqual(
          breached.map(({ slice }) => slice),
          Object.keys(wanted.slices_breached).sort(),
        );
        for (const { slice, z } of breached)
          near(z ?? Number.NaN, wanted.slices_breached[slice]?.z ?? Number.NaN, 1e-6);
        assert.deepStrictEqual(
          report.reasons.map(({ rule, slice }) => (rule === "slice" ? `slice:${slice}` : rule)),
          [...wanted.reasons],
        );
        assert.isAtMost(report.expectedFalseBlockRate ?? 2, 1);
      }),
    );
  }
});
