import { readFileSync } from "node:fs";
import { checkCase, type VectorFile } from "./check-vectors.ts";

// `pnpm vectors FILE…`: reference cases of the form stat-vectors/1, each with its own tolerance.
const paths = process.argv.slice(2).filter((path) => path !== "--");
const files = paths.length > 0 ? paths : [new URL("./vectors.fixture.json", import.meta.url)];
let passed = 0;
let failed = 0;
for (const file of files) {
  const { schema, cases }: VectorFile = JSON.parse(readFileSync(file, "utf8"));
  if (schema !== "stat-vectors/1" || !Array.isArray(cases)) {
    console.error(`${file} must be of schema stat-vectors/1, but is ${schema}`);
    process.exit(2);
  }
  for (const vector of cases) {
    const misses = checkCase(vector);
    for (const miss of misses) console.log(miss);
    if (misses.length === 0) passed++;
    else failed++;
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
