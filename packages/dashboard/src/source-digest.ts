import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const packageFolder = join(import.meta.dirname, "..");

/** All that the built files depend on: the sources of the app and of what it bundles, and the versions of its vendors. */
const inputs = [
  "index.html",
  "package.json",
  "src/build.ts",
  "src/app/**/*.{ts,tsx,css,svg}",
  "../statistics/src/**/*.ts",
  "../release/src/event-sentence.ts",
  "../telemetry/src/clickhouse/{kpi,calibration}-views.ts",
  "../../pnpm-lock.yaml",
];

/** Hex digits that change with any input of the build: a build under this name is never out of date. */
export const sourceDigest = (): string => {
  const hash = createHash("sha256");
  const files = globSync(inputs, { cwd: packageFolder }).filter((path) => !path.endsWith(".test.ts"));
  for (const path of files.sort())
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(packageFolder, path)))
      .update("\0");
  return hash.digest("hex").slice(0, 16);
};
