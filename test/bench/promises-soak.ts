import { spawn } from "node:child_process";
import { join } from "node:path";

// `pnpm soak:promises [PART…]`: what test/promises/nothing-is-lost-when-a-part-fails shows in short, at length. A part is a
// service, which is killed alone, or `services`, all of them together; a server, which is away alone, or `servers`. Each part
// that held leaves one line. Without parts all of them: about 40 minutes on two cores.
const parts = [
  ...["gateway", "gate", "shadow-judge", "canary-controller", "registry", "services"],
  ...["kafka", "postgresql", "clickhouse", "servers"],
];
const wanted = process.argv.slice(2);
const unknown = wanted.find((part) => !parts.includes(part));
if (unknown !== undefined) {
  console.error(`soak:promises: there is no part ${unknown}; give some of ${parts.join(", ")}, or none for all`);
  process.exit(2);
}
const root = join(import.meta.dirname, "../..");
const args = ["run", "--project", "system", "test/promises/nothing-is-lost-when-a-part-fails"];
const child = spawn(join(root, "node_modules/.bin/vitest"), args, {
  cwd: root,
  stdio: "inherit",
  env: {
    ...process.env,
    SLUICE_SOAK_PARTS: (wanted.length > 0 ? wanted : parts).join(","),
    SLUICE_SOAK_KILLS: process.env.SLUICE_SOAK_KILLS ?? "50",
    SLUICE_SOAK_OUTAGE_MS: process.env.SLUICE_SOAK_OUTAGE_MS ?? "30000",
  },
});
child.on("exit", (code) => {
  process.exitCode = code ?? 1;
});
