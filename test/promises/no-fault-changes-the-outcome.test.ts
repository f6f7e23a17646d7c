import { spawn } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

// The whole pipeline in simulated worlds: virtual time, a bus that loses, repeats and delays, crashes at any instant, clocks
// that differ, two controllers, people who interfere. `pnpm soak:simulation` runs 2,000 seeds.

const main = join(import.meta.dirname, "../simulation/main.ts");

const simulation = (
  ...args: ReadonlyArray<string>
): Promise<{ readonly code: number; readonly lines: ReadonlyArray<string> }> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [main, "--processes", "1", ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    child.stdout.on("data", (chunk) => {
      text += chunk;
    });
    child.on("exit", (code) => resolve({ code: code ?? 1, lines: text.trim().split("\n") }));
  });
const answerOf = ({ lines }: { readonly lines: ReadonlyArray<string> }) => JSON.parse(lines.at(-1) ?? "{}");

describe("no fault changes the outcome", { timeout: 300_000 }, () => {
  it("in 40 worlds: bad candidates never become the baseline, one page a breach, the record is the log", async () => {
    const run = await simulation("--seeds", "40");
    expect(run.lines.at(-1)).toContain('"seeds":40');
    expect(run.code).toBe(0);
    const { ends } = answerOf(run);
    for (const phase of ["completed", "rolled-back", "regressed", "blocked"]) expect(ends[phase]).toBeGreaterThan(0);
  });

  it("a seed has one story", async () => {
    const [first, again] = await Promise.all([simulation("--seeds", "3"), simulation("--seeds", "3")]);
    expect(answerOf(first).stories).toHaveLength(24);
    expect(answerOf(again).stories).toBe(answerOf(first).stories);
  });

  it.each(["skip-the-dedupe", "act-before-catching-up", "forget-the-pin-on-restart"])(
    "a planted bug is found, and its seed fails again: %s",
    async (mutation) => {
      const found = await simulation("--seeds", "40", "--mutation", mutation);
      expect(found.code).toBe(1);
      const { failed, message } = answerOf(found);
      const again = await simulation("--from", String(failed), "--seeds", "1", "--mutation", mutation);
      expect(answerOf(again)).toEqual({ failed, message });
      expect((await simulation("--from", String(failed), "--seeds", "1")).code).toBe(0);
    },
  );
});
