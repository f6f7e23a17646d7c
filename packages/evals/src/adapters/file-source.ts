import { createReadStream } from "node:fs";
import type { ByteSource } from "../readers/byte-source.ts";

/** A file on disk. Opening and reading errors come out of the iteration. */
export const fileSource = (path: string): ByteSource => ({
  name: path,
  open: () => createReadStream(path, { highWaterMark: 256 * 1_024 }),
});
