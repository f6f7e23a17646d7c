/** Rows of one read; a longer history is read in pages. */
export const MAX_READ = 1_000;
