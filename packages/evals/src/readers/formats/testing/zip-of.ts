import { crc32, deflateRawSync, zstdCompressSync } from "node:zlib";

interface Member {
  readonly name: string;
  readonly content: string | Uint8Array;
  /** Uncompressed size to claim instead of the true one, as a ZIP bomb does. */
  readonly claimedBytes?: number;
}

const DEFLATE = 8;
const ZSTANDARD = 93;

/** Two frames, as writers that append to a log leave them. */
const zstandard = (bytes: Buffer): Buffer => {
  const half = bytes.length >> 1;
  return Buffer.concat([zstdCompressSync(bytes.subarray(0, half)), zstdCompressSync(bytes.subarray(half))]);
};

/** A small ZIP, written by hand so that its claims can be false. */
export const zipOf = (members: ReadonlyArray<Member>, method: "deflate" | "zstandard" = "deflate"): Uint8Array => {
  const parts: Array<Uint8Array> = [];
  const directory: Array<Uint8Array> = [];
  let offset = 0;
  for (const { name, content, claimedBytes } of members) {
    const bytes = Buffer.from(content);
    const packed = method === "deflate" ? deflateRawSync(bytes) : zstandard(bytes);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(method === "deflate" ? DEFLATE : ZSTANDARD, 4);
    fields.writeUInt32LE(crc32(bytes), 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(claimedBytes ?? bytes.length, 18);
    fields.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.concat([Buffer.from("PK\u0003\u0004"), fields, Buffer.from(name), packed]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from("PK\u0001\u0002\u0014\u0000"), fields, rest, Buffer.from(name)]));
    parts.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(members.length, 4);
  end.writeUInt16LE(members.length, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, central, Buffer.from("PK\u0005\u0006"), end]);
};
