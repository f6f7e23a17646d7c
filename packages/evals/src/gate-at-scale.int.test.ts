import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { assert, it } from "@effect/vitest";
import { randomSource } from "@sluice/statistics";
import type { GateCost } from "./testing/measure-gate.ts";

const CASES = 100_000;
const SLICES = 50;

it("gates 100,000 cases in 50 slices within 400 MB and a few seconds of a core", () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-scale-"));
  try {
    const random = randomSource(1);
    const text = "x".repeat(200);
    const line = (i: number) =>
      JSON.stringify({
        case_id: `case-${i}`,
        slice: `slice-${i % SLICES}`,
        safety: i % 1_000 === 0,
        input: text,
        baseline: { score: random(), passed: true, output: text },
        candidate: { score: random(), passed: true, output: text },
      });
    const file = join(folder, "pairs.jsonl");
    writeFileSync(file, Array.from({ length: CASES }, (_, i) => line(i)).join("\n"));
    const program = fileURLToPath(new URL("./testing/measure-gate.ts", import.meta.url));
    const cost: GateCost = JSON.parse(execFileSync(process.execPath, [program, file], { encoding: "utf8" }));
    assert.strictEqual(cost.cases, CASES);
    assert.strictEqual(cost.slices, SLICES);
    assert.isBelow(cost.peakMb, 400);
    // Time on the processor, start and compilation included: unlike the clock it does not depend on what else runs here.
    assert.isBelow(cost.cpuMs, 4_000);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
