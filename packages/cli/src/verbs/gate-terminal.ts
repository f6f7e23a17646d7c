import { styleText } from "node:util";
import type { GateReport, Interval, SliceResult } from "@sluice/contracts";
import { probabilityWords, ratioWords, sliceMethodWords, testWords, wholeWords } from "@sluice/evals";
import { withMinusSigns } from "@sluice/release/words";
import { printable } from "../printable.ts";
import type { Judged } from "./gate-judge.ts";
import { caseCountSentence, limitSentences, verdictSentence } from "./gate-words.ts";
import type { WorstCase } from "./gate-worst-cases.ts";

export interface TerminalOptions {
  readonly colour: boolean;
}

const MAX_SLICES = 20;
const MAX_CASES = 10;
/** Cases whose input and outputs are shown. */
const MAX_TEXTS = 3;

type Tone = "green" | "red" | "yellow" | "bold" | "dim";
type Paint = (tone: Tone, text: string) => string;

const verdictTones = { passed: "green", blocked: "red", inconclusive: "yellow", invalid: "yellow" } as const;

/** The report for a reviewer at a terminal: verdict first, then why, then the figures, then where to look. */
export const terminalReport = (judged: Judged, { colour }: TerminalOptions): string => {
  const paint: Paint = (tone, text) => (colour ? styleText(tone, text, { validateStream: false }) : text);
  const { report } = judged;
  const verdict = paint(verdictTones[report.verdict], report.verdict.toUpperCase());
  return [
    `${paint("bold", verdict)}  ${verdictSentence(judged)}`,
    ...reasonLines(report, paint),
    ...headlineLines(report, paint),
    ...sliceLines(report, paint),
    ...worstLines(judged, paint),
    ...paragraph(limitSentences(judged)),
  ].join("\n");
};

const paragraph = (lines: ReadonlyArray<string>) => (lines.length > 0 ? ["", ...lines] : []);

const section = (paint: Paint, title: string, lines: ReadonlyArray<string>) =>
  lines.length > 0 ? ["", paint("bold", title), ...lines.map((line) => `  ${line}`)] : [];

const reasonLines = ({ reasons }: GateReport, paint: Paint) =>
  section(
    paint,
    "Why",
    reasons.map(
      ({ enforced, sentence }) =>
        (enforced ? paint("red", "✗ ") : paint("yellow", "! ")) + printable(withMinusSigns(sentence)),
    ),
  );

const intervalWords = (interval: Interval | null) =>
  interval ? `[${signed(interval.low)}, ${signed(interval.high)}]` : "";

const signed = (difference: number) => (difference > 0 ? "+" : "") + ratioWords(difference).replace("-", "−");

const headlineLines = (report: GateReport, paint: Paint): ReadonlyArray<string> => {
  const { headline } = report;
  if (!headline) return [];
  const lines = [
    `${ratioWords(headline.baselineMean)} → ${ratioWords(headline.candidateMean)}   ${signed(headline.difference)} ` +
      `${intervalWords(headline.interval)}${headline.interval ? " at 95 %" : ""}`.trimEnd(),
    `one-sided p = ${probabilityWords(headline.pValue ?? 1)} for "worse" by the ${testWords[headline.test]}` +
      `${headline.midP === null ? "" : ` (mid-p ${probabilityWords(headline.midP)})`}; ${caseCountSentence(report)}`,
  ];
  return section(paint, `Headline (${wholeWords(headline.n)} cases)`, lines);
};

/** Breached ones first, then by p: those that a reviewer wants to see. */
const ordered = (slices: ReadonlyArray<SliceResult>) =>
  slices.toSorted((a, b) => Number(b.breached) - Number(a.breached) || (a.pValue ?? 1) - (b.pValue ?? 1));

const columns = ["", "slice", "n", "baseline", "candidate", "change", "95 % interval", "z", "p", "Holm", "BH", "test"];
const rightAligned = new Set([2, 3, 4, 5, 7, 8, 9, 10]);

const sliceLines = ({ slices }: GateReport, paint: Paint): ReadonlyArray<string> => {
  if (slices.length === 0) return [];
  const shown = ordered(slices).slice(0, MAX_SLICES);
  const rows = shown.map((slice) => [
    slice.breached ? "✗" : " ",
    cut(slice.slice, 40),
    wholeWords(slice.n),
    ratioWords(slice.baselineMean),
    ratioWords(slice.candidateMean),
    signed(slice.difference),
    intervalWords(slice.interval),
    slice.z === null ? "" : slice.z.toFixed(2).replace("-", "−"),
    ...[slice.pValue, slice.pHolm, slice.pBh].map((p) => (p === null ? "" : probabilityWords(p))),
    sliceMethodWords[slice.method],
  ]);
  const table = aligned([columns, ...rows]);
  const lines = table.map((line, i) =>
    i === 0 ? paint("dim", line) : shown[i - 1]?.breached ? paint("red", line) : line,
  );
  const rest = slices.length - shown.length;
  const more = rest > 0 ? [paint("dim", `and ${wholeWords(rest)} more that did better (all of them with --json)`)] : [];
  return section(paint, "Slices", [...lines, ...more]);
};

const aligned = (rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => (row[i] ?? "").length)));
  return rows.map((row) =>
    row
      .map((cell, i) => (rightAligned.has(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
};

/** One line of printable text: ids come from files and must not steer the terminal. */
const cut = (text: string, length: number) => {
  const plain = text.replaceAll(/\p{Cc}+/gu, " ");
  return plain.length > length ? `${plain.slice(0, length - 1)}…` : plain;
};

const worstLines = ({ worst }: Judged, paint: Paint): ReadonlyArray<string> => {
  const rows = worst
    .slice(0, MAX_CASES)
    .map(({ pair, difference, regressedSafety }) => [
      cut(pair.caseId, 48),
      `${ratioWords(pair.baseline.score)} → ${ratioWords(pair.candidate.score)}`,
      signed(difference),
      [
        regressedSafety ? "safety regression" : pair.safety ? "safety" : "",
        pair.slice === null ? "" : cut(pair.slice, 40),
      ]
        .filter((part) => part !== "")
        .join(", "),
    ]);
  const lines = rows.length > 0 ? alignedLeft(rows) : [];
  return section(
    paint,
    "Cases to look at first",
    lines.flatMap((line, i) => [line, ...(i < MAX_TEXTS ? textLines(worst[i], paint) : [])]),
  );
};

const textLines = (worst: WorstCase | undefined, paint: Paint): ReadonlyArray<string> =>
  (
    [
      ["input", worst?.input],
      ["baseline", worst?.baseline],
      ["candidate", worst?.candidate],
    ] as const
  ).flatMap(([name, text]) => (text === undefined ? [] : [paint("dim", `  ${name.padEnd(9)}  ${cut(text, 100)}`)]));

const alignedLeft = (rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => (row[i] ?? "").length)));
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
};
