import type { Judged } from "./gate-judge.ts";
import { verdictSentence } from "./gate-words.ts";

/** GitHub shows ten annotations of a kind and step, and drops the rest without a word. */
const MAX_PER_KIND = 10;

/**
 * Workflow commands for GitHub Actions: one error for each reason that blocks, one warning for each that does not. When
 * there are more than GitHub shows, the last says how many.
 */
export const annotations = (judged: Judged): ReadonlyArray<string> => {
  const { reasons, verdict } = judged.report;
  const of = (kind: "error" | "warning", enforced: boolean) => {
    const sentences = reasons.filter((reason) => reason.enforced === enforced).map(({ sentence }) => sentence);
    const fits = sentences.length <= MAX_PER_KIND;
    const shown = fits ? sentences : sentences.slice(0, MAX_PER_KIND - 1);
    const rest = fits ? [] : [`${sentences.length - shown.length} more reasons are in the report.`];
    return [...shown, ...rest].map(
      (sentence) => `::${kind} title=${property(`Sluice gate: ${verdict}`)}::${data(sentence)}`,
    );
  };
  const passed =
    verdict === "passed" ? [`::notice title=${property("Sluice gate: passed")}::${data(verdictSentence(judged))}`] : [];
  return [...of("error", true), ...of("warning", false), ...passed];
};

const data = (text: string): string => text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");

const property = (text: string): string => data(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
