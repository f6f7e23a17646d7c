import { mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { calibrationViews } from "@sluice/telemetry/clickhouse/calibration-views";
import { kpiViews } from "@sluice/telemetry/clickhouse/kpi-views";
import { build } from "vite";
import { packageFolder, sourceDigest } from "./source-digest.ts";

// `node packages/dashboard/src/build.ts`: builds the dashboard into dist/DIGEST, for the image and on the first request.

const dist = join(packageFolder, "dist");
const digest = sourceDigest();
const unfinished = join(dist, `unfinished-${process.pid}`);
mkdirSync(dist, { recursive: true });

/** The views' definitions by name: who reads a KPI can read how it is made. */
const sqlOfViews = Object.fromEntries(
  [...kpiViews, ...calibrationViews].map((sql) => [/VIEW (\w+)/u.exec(sql)?.[1] ?? "", sql]),
);

await build({
  root: packageFolder,
  configFile: false,
  logLevel: "warn",
  // Relative, so that a proxy may serve it under any path.
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  define: { SQL_OF_VIEWS: JSON.stringify(sqlOfViews) },
  build: {
    outDir: unfinished,
    target: "es2022",
    // The content security policy allows neither inline scripts nor inline styles.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
});

// Complete or not there at all: processes that start at the same time may build the same thing.
try {
  renameSync(unfinished, join(dist, digest));
} catch {
  rmSync(unfinished, { recursive: true, force: true });
}
for (const name of readdirSync(dist))
  if (/^[0-9a-f]{16}$/u.test(name) && name !== digest) rmSync(join(dist, name), { recursive: true, force: true });
