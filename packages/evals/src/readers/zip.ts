import type { Readable } from "node:stream";
import { createZstdDecompress } from "node:zlib";
import * as Result from "effect/Result";
import { type Entry, fromBufferPromise } from "yauzl";
import type { Problem } from "./case-file-error.ts";
import { sizeWords } from "./read-limits.ts";

export interface Archive {
  readonly names: ReadonlyArray<string>;
  /** The entry's bytes; undefined when there is none of that name. */
  readonly read: (name: string) => Promise<Result.Result<Uint8Array | undefined, Problem>>;
}

/** Against ZIP bombs: a few kilobytes may claim, or unpack to, terabytes. */
const MAX_ENTRIES = 200_000;
const MAX_ENTRY_BYTES = 64 * 1_024 * 1_024;
const MAX_TOTAL_BYTES = 1_024 * 1_024 * 1_024;

/** Compression method of entries in Zstandard, which yauzl hands on as they are. */
const ZSTANDARD = 93;

/** Opens a ZIP in memory. Sizes are checked as claimed before unpacking, and as they are while unpacking. */
export const openZip = async (bytes: Uint8Array): Promise<Result.Result<Archive, Problem>> => {
  const entries = new Map<string, Entry>();
  let total = 0;
  try {
    const zip = await fromBufferPromise(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), {
      autoClose: false,
      lazyEntries: true,
    });
    for await (const entry of zip.eachEntry()) {
      total += entry.uncompressedSize;
      if (entries.size >= MAX_ENTRIES) return Result.fail(tooMuch(`holds more than ${MAX_ENTRIES} entries`));
      if (total > MAX_TOTAL_BYTES) return Result.fail(tooMuch(`unpacks to more than ${sizeWords(MAX_TOTAL_BYTES)}`));
      entries.set(entry.fileName, entry);
    }
    const read = async (name: string) => {
      const entry = entries.get(name);
      if (!entry) return Result.succeed(undefined);
      if (entry.uncompressedSize > MAX_ENTRY_BYTES)
        return Result.fail(tooMuch(`unpacks ${name} to more than ${sizeWords(MAX_ENTRY_BYTES)}`));
      try {
        const zstandard = entry.compressionMethod === ZSTANDARD;
        const stream = await zip.openReadStreamPromise(entry, zstandard ? { decodeFileData: false } : {});
        return Result.succeed(await collect(zstandard ? stream.pipe(createZstdDecompress()) : stream));
      } catch (error) {
        return Result.fail(damaged(error));
      }
    };
    return Result.succeed({ names: [...entries.keys()], read });
  } catch (error) {
    return Result.fail(damaged(error));
  }
};

const collect = async (stream: Readable): Promise<Uint8Array> => {
  const parts: Array<Uint8Array> = [];
  let size = 0;
  for await (const part of stream) {
    if (!(part instanceof Uint8Array)) continue;
    size += part.length;
    if (size > MAX_ENTRY_BYTES) throw new Error(`an entry unpacks to more than ${sizeWords(MAX_ENTRY_BYTES)}`);
    parts.push(part);
  }
  return Buffer.concat(parts);
};

const tooMuch = (problem: string): Problem => ({ problem, fix: "give the log as the evaluation wrote it" });

const damaged = (error: unknown): Problem => ({
  problem: `is a damaged ZIP (${error instanceof Error ? error.message : String(error)})`,
  fix: "copy or write it again; it seems cut off",
});
