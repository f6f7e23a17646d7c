/** Bytes to be read once, and the name by which errors call them. */
export interface ByteSource {
  readonly name: string;
  /** As stored: a gzip stays one. */
  readonly open: () => AsyncIterable<Uint8Array>;
}

const CHUNK = 256 * 1_024;

/** Bytes in memory, handed on in pieces so that others on the event loop get their turn. */
export const bytesSource = (name: string, bytes: Uint8Array): ByteSource => ({
  name,
  open: async function* () {
    for (let from = 0; from < bytes.length; from += CHUNK) {
      yield bytes.subarray(from, from + CHUNK);
      await new Promise((resolve) => setImmediate(resolve));
    }
  },
});
