import type { Interval, SliceResult } from "@sluice/contracts";
import { probabilityWords, ratioWords, sliceMethodWords, testWords, wholeWords } from "@sluice/evals";
import { withMinusSigns } from "@sluice/release/words";
import type { Judged } from "./gate-judge.ts";
import { caseCountSentence, limitSentences, verdictSentence } from "./gate-words.ts";
import type { WorstCase } from "./gate-worst-cases.ts";

/** By this line a later run finds its own comment and replaces it. */
export const COMMENT_MARKER = "<!-- sluice-gate -->";

/** GitHub takes comments up to 65,536 characters; what comes around the report needs some of them. */
const MAX_BYTES = 60_000;
const MAX_SLICES = 50;
/** Cases whose input and outputs are shown. */
const MAX_TEXTS = 10;
const MAX_REASONS = 20;

const icons = { passed: "✅", blocked: "⛔", inconclusive: "❔", invalid: "⚠️" } as const;

/** The report as GitHub Markdown: for `$GITHUB_STEP_SUMMARY`, and short enough for one pull request comment. */
export const markdownReport = (judged: Judged): string => {
  const { report } = judged;
  const parts = [
    COMMENT_MARKER,
    `### ${icons[report.verdict]} Sluice gate: ${report.verdict}`,
    verdictSentence(judged),
    ...reasons(judged),
    ...headline(judged),
    ...slices(judged),
    ...cases(judged),
    ...limitSentences(judged),
  ];
  return fitting(parts);
};

/** Leaves out whole paragraphs from the end of the list of the largest, never half of one. */
const fitting = (parts: ReadonlyArray<string>): string => {
  const kept = [...parts];
  const text = () => `${kept.join("\n\n")}\n`;
  while (Buffer.byteLength(text()) > MAX_BYTES) {
    const largest = kept.reduce((most, part, i) => (part.length > (kept[most]?.length ?? 0) ? i : most), 0);
    kept[largest] = "_A part of the report was too long and is left out; the whole is in the JSON report._";
  }
  return text();
};

/** Names come from files: nothing in them may become markup, a mention or a row of its own. */
const plain = (text: string, length = 80): string => {
  const line = text.replaceAll(/[\p{Cc}\s]+/gu, " ").trim();
  const cut = line.length > length ? `${line.slice(0, length - 1)}…` : line;
  return cut
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll("@", "&#64;")
    .replaceAll("#", "&#35;")
    .replaceAll(/[\\`*_{}[\]()|~!]/gu, (character) => `\\${character}`);
};

const signed = (difference: number) => (difference > 0 ? "+" : "") + ratioWords(difference).replace("-", "−");

const interval = (given: Interval | null) => (given ? `${signed(given.low)} … ${signed(given.high)}` : "");

const reasons = ({ report }: Judged): ReadonlyArray<string> => {
  if (report.reasons.length === 0) return [];
  const lines = report.reasons
    .slice(0, MAX_REASONS)
    .map(
      ({ enforced, sentence }) => `- ${enforced ? "**blocks**" : "_note_"}: ${plain(withMinusSigns(sentence), 1_000)}`,
    );
  const rest = report.reasons.length - lines.length;
  return [[...lines, ...(rest > 0 ? [`- and ${wholeWords(rest)} more`] : [])].join("\n")];
};

const headline = ({ report }: Judged): ReadonlyArray<string> => {
  if (!report.headline) return [];
  const { baselineMean, candidateMean, difference, pValue, test } = report.headline;
  const change = `${ratioWords(baselineMean)} → ${ratioWords(candidateMean)} (${signed(difference)}`;
  const between = report.headline.interval ? `, 95 % ${interval(report.headline.interval)}` : "";
  const p = `one-sided p = ${probabilityWords(pValue ?? 1)} by the ${testWords[test]}`;
  return [`**Headline** ${change}${between}), ${p}; ${caseCountSentence(report)}.`];
};

const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [head, head.map((_, i) => (i === 0 ? "---" : "---:")), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");

const folded = (summary: string, body: string, open: boolean): string =>
  `<details${open ? " open" : ""}><summary>${summary}</summary>\n\n${body}\n\n</details>`;

const sliceRow = (slice: SliceResult): ReadonlyArray<string> => [
  `${slice.breached ? "⛔ " : ""}${plain(slice.slice)}`,
  wholeWords(slice.n),
  `${ratioWords(slice.baselineMean)} → ${ratioWords(slice.candidateMean)}`,
  signed(slice.difference),
  interval(slice.interval),
  slice.z === null ? "" : slice.z.toFixed(2).replace("-", "−"),
  probabilityWords(slice.pValue ?? 1),
  probabilityWords(slice.pHolm ?? 1),
  probabilityWords(slice.pBh ?? 1),
  sliceMethodWords[slice.method],
];

const slices = ({ report }: Judged): ReadonlyArray<string> => {
  if (report.slices.length === 0) return [];
  const worstFirst = report.slices.toSorted(
    (a, b) => Number(b.breached) - Number(a.breached) || (a.pValue ?? 1) - (b.pValue ?? 1),
  );
  const rows = worstFirst.slice(0, MAX_SLICES).map(sliceRow);
  const head = ["slice", "n", "score", "change", "95 %", "z", "p", "Holm", "BH", "test"];
  const breached = report.slices.filter((slice) => slice.breached).length;
  const summary = `${wholeWords(report.slices.length)} slices, ${wholeWords(breached)} down`;
  const rest = report.slices.length - rows.length;
  const more = rest > 0 ? `\n\nand ${wholeWords(rest)} more that did better` : "";
  return [folded(summary, table(head, rows) + more, breached > 0)];
};

const cases = ({ worst }: Judged): ReadonlyArray<string> => {
  if (worst.length === 0) return [];
  const rows = worst.map(({ pair, difference, regressedSafety }) => [
    plain(pair.caseId),
    plain(pair.slice ?? ""),
    regressedSafety ? "⛔ regression" : pair.safety ? "safety" : "",
    `${ratioWords(pair.baseline.score)} → ${ratioWords(pair.candidate.score)}`,
    signed(difference),
  ]);
  const list = table(["case", "slice", "safety", "score", "change"], rows);
  const texts = worst.slice(0, MAX_TEXTS).flatMap(textsOf);
  return [
    folded("Cases to look at first", list, false),
    ...(texts.length > 0 ? [folded("Their inputs and outputs", texts.join("\n\n"), false)] : []),
  ];
};

const textsOf = ({ pair, input, baseline, candidate }: WorstCase): ReadonlyArray<string> => {
  const parts = [
    ["input", input],
    ["baseline", baseline],
    ["candidate", candidate],
  ] as const;
  const shown = parts.flatMap(([name, text]) => (text === undefined ? [] : [`${name}:\n\n${fenced(text)}`]));
  return shown.length > 0 ? [`**${plain(pair.caseId)}**`, ...shown] : [];
};

/** A code block whose fence is longer than any run of backticks inside, so that nothing in the text ends it. */
const fenced = (text: string): string => {
  const longest = Math.max(2, ...[...text.matchAll(/`+/gu)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}text\n${text.replaceAll(/[^\P{Cc}\n\t]/gu, " ")}\n${fence}`;
};
