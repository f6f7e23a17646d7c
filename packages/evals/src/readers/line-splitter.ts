import type { Problem } from "./case-file-error.ts";
import { sizeWords } from "./read-limits.ts";

const NEWLINE = 10;

/** Takes one line; a problem stops the reading. */
export type OnLine = (text: string, line: number) => Problem | undefined;

/** Splits chunks of bytes into lines of UTF-8, holding at most one unfinished line of bounded size. */
export class LineSplitter {
  #pending: Array<Uint8Array> = [];
  #pendingBytes = 0;
  #line = 0;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  readonly #maxLineBytes: number;
  readonly #onLine: OnLine;

  constructor(maxLineBytes: number, onLine: OnLine) {
    this.#maxLineBytes = maxLineBytes;
    this.#onLine = onLine;
  }

  /** Number of the line last handed on, or of the one that was refused. */
  get line(): number {
    return this.#line;
  }

  push(chunk: Uint8Array): Problem | undefined {
    let from = 0;
    for (;;) {
      const to = chunk.indexOf(NEWLINE, from);
      if (to === from && this.#pendingBytes === 0) {
        // An empty line costs next to nothing, so that a file of nothing else does not either.
        this.#line++;
        from = to + 1;
        continue;
      }
      const part = chunk.subarray(from, to === -1 ? chunk.length : to);
      if (this.#pendingBytes + part.length > this.#maxLineBytes) {
        this.#line++;
        return tooLong(this.#maxLineBytes);
      }
      if (to === -1) {
        if (part.length > 0) {
          // A copy: the caller's buffer may be used again.
          this.#pending.push(part.slice());
          this.#pendingBytes += part.length;
        }
        return undefined;
      }
      const problem = this.#finish(part);
      if (problem) return problem;
      from = to + 1;
    }
  }

  end(): Problem | undefined {
    return this.#pendingBytes > 0 ? this.#finish(new Uint8Array()) : undefined;
  }

  #finish(last: Uint8Array): Problem | undefined {
    const bytes = this.#pendingBytes > 0 ? Buffer.concat([...this.#pending, last]) : last;
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#line++;
    let text: string;
    try {
      text = this.#decoder.decode(bytes);
    } catch {
      return { problem: "is not UTF-8", fix: "save the file as UTF-8" };
    }
    return text.trim() === "" ? undefined : this.#onLine(text, this.#line);
  }
}

const tooLong = (maxLineBytes: number): Problem => ({
  problem: `is longer than ${sizeWords(maxLineBytes)}`,
  fix: "write one JSON object per line and leave long inputs and outputs out",
});
