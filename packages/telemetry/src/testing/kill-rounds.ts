import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("ingest-process.ts", import.meta.url));

export interface KillRound {
  /** Batches of 200 rows that were acknowledged before this process was killed, and by those before it. */
  readonly acknowledged: number;
  /** From the process's own check to the kill. */
  readonly afterMs: number;
}

/**
 * Kills a process that ingests and rolls up, `rounds` times at moments that `random` chooses; each next one checks what was
 * left before it goes on (see ingest-process.ts). Rejects with what a check found. One directory, removed at the end.
 */
export const killRounds = async (
  rounds: number,
  random: () => number,
  onRound: (round: KillRound) => void = () => {},
): Promise<void> => {
  const path = mkdtempSync(join(tmpdir(), "sluice-kill-"));
  const startMs = Math.floor(Date.now() / 60_000) * 60_000 - 2 * 3_600_000;
  let acknowledged = 0;
  try {
    // The last process only checks.
    for (let round = 0; round <= rounds; round++) {
      const afterMs = round === rounds ? 0 : Math.floor(random() * 1_500);
      acknowledged = await ingestUntilKilled(path, startMs, acknowledged, afterMs);
      onRound({ acknowledged, afterMs });
    }
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
};

const ingestUntilKilled = async (path: string, startMs: number, before: number, afterMs: number): Promise<number> => {
  const child = spawn(process.execPath, [script, path, String(startMs), String(before)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(child, "exit");
  let complaint = "";
  child.stderr.on("data", (chunk) => {
    complaint += chunk;
  });
  let acknowledged: number | null = null;
  for await (const line of createInterface(child.stdout)) {
    if (acknowledged === null) setTimeout(() => child.kill("SIGKILL"), afterMs);
    acknowledged = Number(line.split(" ")[1]);
  }
  await exited;
  if (acknowledged === null || child.signalCode !== "SIGKILL")
    throw new Error(`the process after ${before} acknowledged batches ended by itself: ${complaint.slice(0, 2_000)}`);
  return acknowledged;
};
