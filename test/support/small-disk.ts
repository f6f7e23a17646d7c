import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export interface SmallDisk {
  readonly path: string;
  /** What a process on it needs in its environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly fill: () => void;
  readonly free: () => void;
  readonly remove: () => void;
}

const SIZE = "256m";

/** A file system of its own that can be full; where mounting is not permitted, one whose writes are made to fail. */
export const smallDisk = (): SmallDisk => {
  const path = mkdtempSync(join(tmpdir(), "sluice-small-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${SIZE}`, "tmpfs", path], { stdio: "ignore" });
  } catch {
    return refusingDisk(path);
  }
  const filler = join(path, "filler");
  return {
    path,
    environment: {},
    fill: () => writeUntilFull(filler),
    free: () => rmSync(filler),
    remove: () => {
      execFileSync("umount", ["--lazy", path]);
      rmSync(path, { recursive: true });
    },
  };
};

const writeUntilFull = (file: string): void => {
  const open = openSync(file, "w");
  // Others write too: what is left is found out by writing less and less of it.
  for (let bytes = 1_024 * 1_024; bytes >= 1_024; bytes /= 4)
    try {
      for (;;) writeSync(open, Buffer.alloc(bytes));
    } catch (cause) {
      if (!(cause instanceof Error && "code" in cause && cause.code === "ENOSPC")) throw cause;
    }
  closeSync(open);
};

const refusingDisk = (path: string): SmallDisk => {
  const flag = `${path}.full`;
  const preload = fileURLToPath(new URL("./refuse-writes.ts", import.meta.url));
  return {
    path,
    environment: { NODE_OPTIONS: `--import ${preload}`, FULL_DISK_FLAG: flag },
    fill: () => writeFileSync(flag, ""),
    free: () => rmSync(flag),
    remove: () => {
      rmSync(flag, { force: true });
      rmSync(path, { recursive: true });
    },
  };
};
