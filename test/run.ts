import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

// `pnpm test`: the static checks, then every test; the last line counts all of them. Skipped tests are named, with the
// reason that stands in their title, because a silent skip reads like a pass.

interface AssertionResult {
  readonly status: string;
  readonly fullName: string;
}
interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: ReadonlyArray<{
    readonly name: string;
    readonly status: string;
    readonly assertionResults: ReadonlyArray<AssertionResult>;
  }>;
}

const run = (command: string, args: ReadonlyArray<string>): Promise<number> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: "inherit" });
    child.on("error", reject);
    child.on("exit", (code) => resolve(code ?? 1));
  });

const bin = (name: string) => join("node_modules", ".bin", name);
const counts = { passed: 0, failed: 0, skipped: 0 };

const checks: ReadonlyArray<readonly [string, string, ReadonlyArray<string>]> = [
  ["types", bin("tsc"), ["-p", "tsconfig.json"]],
  ["types of the dashboard", bin("tsc"), ["-p", "packages/dashboard"]],
  ["lint and format", bin("biome"), ["ci", "."]],
  ["contracts drift", process.execPath, ["contracts/generate.ts", "--check"]],
];

const selected = process.argv.slice(2);
if (selected.length === 0) {
  for (const [name, command, args] of checks) {
    const ok = (await run(command, args)) === 0;
    counts[ok ? "passed" : "failed"] += 1;
    console.log(`${ok ? "passed" : "FAILED"}: ${name}`);
  }
}

const folder = mkdtempSync(join(tmpdir(), "sluice-test-"));
const reportFile = join(folder, "report.json");
const exitCode = await run(bin("vitest"), [
  "run",
  "--reporter=default",
  "--reporter=json",
  `--outputFile.json=${reportFile}`,
  ...selected,
]);

let report: VitestReport | undefined;
try {
  report = JSON.parse(readFileSync(reportFile, "utf8"));
} catch {
  console.error("vitest wrote no report: it did not start or was stopped");
}
rmSync(folder, { recursive: true });

const skipped = (report?.testResults ?? []).flatMap((file) =>
  file.assertionResults.filter((test) => test.status !== "passed" && test.status !== "failed"),
);
for (const test of skipped) console.log(`skipped: ${test.fullName}`);

counts.passed += report?.numPassedTests ?? 0;
counts.failed += report?.numFailedTests ?? 0;
counts.skipped += skipped.length;
// A file that fails to load has no tests to fail: it must not pass unseen.
if (exitCode !== 0 && counts.failed === 0) counts.failed = 1;

console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed === 0 ? 0 : 1;
