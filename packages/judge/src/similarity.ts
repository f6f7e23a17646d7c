import { l as rougeL, n as rougeN } from "js-rouge";

/** The longest common subsequence takes time that grows with both lengths: a page of each is compared. */
const CHARACTERS = 4_000;

/**
 * ROUGE F1 of a response against a reference, in [0, 1]: shared words (`rouge-1`) or their longest common subsequence by
 * sentences (`rouge-l`), without regard to case. Words are told apart by spaces, so it says little of Chinese or Japanese. It
 * measures wording and not truth: a negation costs one word. Source: Lin 2004, "ROUGE".
 */
export const similarity = (response: string, reference: string, measure: "rouge-1" | "rouge-l"): number => {
  const [candidate, wanted] = [response.slice(0, CHARACTERS).trim(), reference.slice(0, CHARACTERS).trim()];
  if (candidate === "" || wanted === "") return candidate === wanted ? 1 : 0;
  const score =
    measure === "rouge-l"
      ? rougeL(candidate, wanted, { beta: 1, caseSensitive: false })
      : rougeN(candidate, wanted, { n: 1, beta: 1, caseSensitive: false });
  return Math.min(1, Math.max(0, score));
};
