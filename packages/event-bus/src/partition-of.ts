/**
 * The partition of a key as Kafka's own clients choose it (murmur2 of the UTF-8 bytes), so that a stranger's producer
 * and ours keep one order per key.
 */
export const partitionOf = (key: string, partitions: number): number =>
  (murmur2(Buffer.from(key, "utf8")) & 0x7fffffff) % partitions;

const SEED = 0x9747b28c;
const M = 0x5bd1e995;
const R = 24;

const mixed = (word: number): number => {
  const k = Math.imul(word, M);
  return Math.imul(k ^ (k >>> R), M);
};

const murmur2 = (bytes: Buffer): number => {
  const whole = bytes.length & ~3;
  let hash = SEED ^ bytes.length;
  for (let i = 0; i < whole; i += 4) hash = Math.imul(hash, M) ^ mixed(bytes.readInt32LE(i));
  const rest = bytes.length - whole;
  if (rest > 0) {
    for (let i = rest - 1; i >= 0; i--) hash ^= bytes.readUInt8(whole + i) << (8 * i);
    hash = Math.imul(hash, M);
  }
  hash = Math.imul(hash ^ (hash >>> 13), M);
  return hash ^ (hash >>> 15);
};
