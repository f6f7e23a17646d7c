import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { checkCase, type VectorFile } from "./check-vectors.ts";

// `pnpm vectors FILE…`: reference cases of the form stat-vectors/1, each with its own tolerance.
// Paths are relative to where the command was typed: pnpm itself runs scripts in the package's folder.
const from = process.env.INIT_CWD ?? process.cwd();
const paths = process.argv
  .slice(2)
  .filter((path) => path !== "--")
  .map((path) => resolve(from, path));
const files = paths.length > 0 ? paths : [new URL("./vectors.fixture.json", import.meta.url)];

const vectorsOf = (file: string | URL): VectorFile => {
  try {
    const content: VectorFile = JSON.parse(readFileSync(file, "utf8"));
    if (content.schema === "stat-vectors/1" && Array.isArray(content.cases)) return content;
    console.error(`${file} must be of schema stat-vectors/1, but is ${content.schema}`);
  } catch (error) {
    console.error(`${file} must be a readable JSON file: ${error instanceof Error ? error.message : error}`);
  }
  process.exit(2);
};

let passed = 0;
let failed = 0;
for (const file of files) {
  const { cases } = vectorsOf(file);
  for (const vector of cases) {
    const misses = checkCase(vector);
    for (const miss of misses) console.log(miss);
    if (misses.length === 0) passed++;
    else failed++;
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
