/** Bounds of what a reader takes in: a file from a pull request is not to be trusted with the machine's memory. */
export interface ReadLimits {
  readonly maxLineBytes: number;
  readonly maxCases: number;
  /** Of the file as read, after decompression. */
  readonly maxBytes: number;
  /** Of formats that are one document and must be parsed as a whole. */
  readonly maxDocumentBytes: number;
}

const MEBIBYTE = 1_024 * 1_024;

export const defaultLimits: ReadLimits = {
  maxLineBytes: 8 * MEBIBYTE,
  maxCases: 1_000_000,
  maxBytes: 4_096 * MEBIBYTE,
  maxDocumentBytes: 256 * MEBIBYTE,
};

export const sizeWords = (bytes: number): string =>
  bytes >= MEBIBYTE ? `${Math.round(bytes / MEBIBYTE)} MiB` : `${Math.round(bytes / 1_024)} KiB`;
