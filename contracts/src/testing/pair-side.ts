import type { PairSide } from "../observation.ts";

/** One answer to a mirrored request. */
export const pairSide = (changes: Partial<PairSide> = {}): PairSide => ({
  bundle: `sha256:${"a".repeat(64)}`,
  output: "An answer",
  status: 200,
  errorClass: null,
  latencyMs: 1,
  timeToFirstTokenMs: null,
  inputTokens: null,
  outputTokens: null,
  finishReason: null,
  refused: null,
  ...changes,
});
