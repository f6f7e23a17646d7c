import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

// Loaded before a process: while the flag is there, writes to files fail as on a full disk.
const flag = process.env.FULL_DISK_FLAG ?? "";
const { writeSync } = fs;

const refuse = (): never => {
  throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC", errno: -28 });
};

fs.writeSync = ((...args: Parameters<typeof writeSync>) =>
  args[0] > 2 && fs.existsSync(flag) ? refuse() : writeSync(...args)) as typeof writeSync;
syncBuiltinESMExports();
