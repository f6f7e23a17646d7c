import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import type { ByteSource } from "../readers/byte-source.ts";

const GZIP = [0x1f, 0x8b];

/** The bytes of a source, decompressed if they are a gzip (told by its first bytes, not by the file's name). */
export const plainBytes = async function* (source: ByteSource): AsyncIterable<Uint8Array> {
  const iterator = source.open()[Symbol.asyncIterator]();
  let head: Uint8Array = new Uint8Array();
  // A source may yield a single byte first.
  while (head.length < GZIP.length) {
    const next = await iterator.next();
    if (next.done) break;
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
  }
  const all = rejoined(head, iterator);
  if (GZIP.every((byte, i) => head[i] === byte)) yield* gunzipped(all);
  else yield* all;
};

const rejoined = async function* (head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncIterable<Uint8Array> {
  try {
    if (head.length > 0) yield head;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
};

const gunzipped = async function* (compressed: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const gunzip = createGunzip({ chunkSize: 256 * 1_024 });
  // `pipeline` carries errors of the source into the iteration of `gunzip`, and stops the source when that ends early.
  pipeline(Readable.from(compressed, { objectMode: false }), gunzip, () => {});
  yield* gunzip;
};
