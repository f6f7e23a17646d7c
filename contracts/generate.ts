import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { driftOf } from "./src/generator/drift.ts";
import { generatedFiles } from "./src/generator/generated-files.ts";

// `node contracts/generate.ts` writes contracts/generated; with --check it names what has drifted and exits with 1.

const root = join(import.meta.dirname, "generated");
const files = generatedFiles();
const { drifted, left } = driftOf(root, files);

if (process.argv.includes("--check")) {
  for (const path of drifted) console.error(`contracts/generated/${path} is not what the contracts say`);
  for (const path of left) console.error(`contracts/generated/${path} belongs to no contract any more`);
  if (drifted.length + left.length > 0) {
    console.error("Run `pnpm generate` and commit what it writes.");
    process.exitCode = 1;
  } else console.log(`contracts/generated: ${files.size} files are as the contracts say`);
} else {
  for (const path of left) rmSync(join(root, path));
  for (const path of drifted) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), files.get(path) ?? "");
  }
  console.log(`contracts/generated: ${drifted.length} of ${files.size} files written, ${left.length} removed`);
}
