import type { OpenAiError } from "../domain/openai-error.ts";

/** Who reads the answer: a user over HTTP, or nobody (a mirrored call). Headers are names and values in turn. */
export interface Client {
  readonly isGone: () => boolean;
  /** A whole answer, in one write. */
  readonly answer: (status: number, headers: ReadonlyArray<string>, body: Buffer) => void;
  readonly fail: (error: OpenAiError, headers: ReadonlyArray<string>) => void;
  readonly startStream: (status: number, headers: ReadonlyArray<string>) => void;
  /** False when the reader is behind: `onDrain` follows. */
  readonly write: (bytes: Buffer | string) => boolean;
  readonly endStream: () => void;
  /** At most one listener each. */
  readonly onGone: (listener: () => void) => void;
  readonly onDrain: (listener: () => void) => void;
}

/** Reads everything and keeps nothing. */
export const nobody: Client = {
  isGone: () => false,
  answer: () => {},
  fail: () => {},
  startStream: () => {},
  write: () => true,
  endStream: () => {},
  onGone: () => {},
  onDrain: () => {},
};
