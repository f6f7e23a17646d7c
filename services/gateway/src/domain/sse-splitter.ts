/** The part of a stream that ends with a whole event, and the data of its events. */
export interface Split {
  /** Bytes to pass on, exactly as they came; null while an event is still incomplete. */
  readonly whole: Buffer | null;
  readonly data: ReadonlyArray<string>;
}

const NOTHING: Split = { whole: null, data: [] };

/**
 * Cuts server-sent events at their blank lines. An incomplete event is held back until its rest has come: a client
 * cannot use half an event, and so nothing broken is ever passed on.
 */
export class SseSplitter {
  readonly #maxEventBytes: number;
  #held: Array<Buffer> = [];
  #heldBytes = 0;

  constructor(maxEventBytes: number) {
    this.#maxEventBytes = maxEventBytes;
  }

  /** Null when an event is larger than the bound: the stream cannot be followed any further. */
  push(chunk: Buffer): Split | null {
    const last = this.#held.at(-1);
    // The blank line itself may be cut in two: look at the end of what is held as well.
    const seam = last ? Buffer.concat([last.subarray(-3), chunk]) : chunk;
    const end = endOfLastEvent(seam);
    if (end === -1) {
      this.#held.push(chunk);
      this.#heldBytes += chunk.length;
      return this.#heldBytes > this.#maxEventBytes ? null : NOTHING;
    }
    const cut = end - (seam.length - chunk.length);
    if (!last && cut === chunk.length) return { whole: chunk, data: dataOf(chunk) };
    const whole = Buffer.concat([...this.#held, chunk.subarray(0, cut)]);
    const rest = chunk.subarray(cut);
    this.#held = rest.length > 0 ? [rest] : [];
    this.#heldBytes = rest.length;
    return { whole, data: dataOf(whole) };
  }

  /** What is left at the end of the stream; some upstreams leave out the last blank line. */
  end(): Split {
    if (this.#heldBytes === 0) return NOTHING;
    const rest = Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    return { whole: rest, data: dataOf(rest) };
  }
}

/** Index after the last blank line, or -1. "\n\r\n" is part of "\r\n\r\n". */
const endOfLastEvent = (bytes: Buffer): number => {
  const lf = bytes.lastIndexOf("\n\n");
  const crlf = bytes.lastIndexOf("\n\r\n");
  return Math.max(lf === -1 ? -1 : lf + 2, crlf === -1 ? -1 : crlf + 3);
};

/** The data of each event; comments and other fields carry none. */
const dataOf = (bytes: Buffer): ReadonlyArray<string> => {
  const found: Array<string> = [];
  for (const event of bytes.toString("utf8").split(/\r?\n\r?\n/)) {
    let data: string | null = null;
    for (const line of event.split(/\r?\n/)) {
      if (!line.startsWith("data:")) continue;
      const value = line.charCodeAt(5) === 32 ? line.slice(6) : line.slice(5);
      data = data === null ? value : `${data}\n${value}`;
    }
    if (data !== null) found.push(data);
  }
  return found;
};
