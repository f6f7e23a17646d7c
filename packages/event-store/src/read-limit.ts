/** Rows of one read; a longer history is read in pages. */
export const MAX_READ = 1_000;

/** A page ends early when its payloads reach this size (in bytes), so that rows full of evidence do not fill the memory. */
export const MAX_READ_BYTES = 8 * 1_024 * 1_024;

/** Hashes of one read: they are small. */
export const MAX_HASHES = 10_000;
