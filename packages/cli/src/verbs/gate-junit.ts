import type { GateReport } from "@sluice/contracts";
import { ratioWords } from "@sluice/evals";
import type { Judged } from "./gate-judge.ts";
import { limitSentences, verdictSentence } from "./gate-words.ts";

interface Outcome {
  readonly name: string;
  readonly failure?: string | undefined;
  readonly error?: string | undefined;
  readonly skipped?: string | undefined;
}

/** The report as JUnit XML: one test for each rule and slice, an error where the evidence cannot be used. */
export const junitReport = (judged: Judged): string => {
  const { report, policy } = judged;
  const sentence = (rule: GateReport["reasons"][number]["rule"], slice?: string) =>
    report.reasons.find((reason) => reason.enforced && reason.rule === rule && reason.slice === slice)?.sentence;
  const unusable = report.verdict === "invalid" ? report.reasons.find(({ enforced }) => enforced)?.sentence : undefined;
  const tooFew = report.verdict === "inconclusive" ? sentence("cases") : undefined;
  const off = (mode: string) => (mode === "off" ? "switched off by the policy" : undefined);
  const outcomes: ReadonlyArray<Outcome> = [
    // An inconclusive gate does not pass either: without this the file would look green.
    { name: "evidence", error: unusable ?? tooFew },
    { name: "safety", failure: sentence("safety"), skipped: off(policy.safety) },
    { name: "headline", failure: sentence("headline"), skipped: off(policy.headline) },
    ...report.slices.map(({ slice }) => ({
      name: `slice ${slice}`,
      failure: sentence("slice", slice),
      skipped: off(policy.slices),
    })),
  ];
  const count = (key: "failure" | "error" | "skipped") => outcomes.filter((outcome) => outcome[key]).length;
  const counts = `tests="${outcomes.length}" failures="${count("failure")}" errors="${count("error")}" skipped="${count("skipped")}"`;
  const difference = report.headline ? `headline ${ratioWords(report.headline.difference)}` : "";
  const remarks = [verdictSentence(judged), difference, ...limitSentences(judged)].filter((line) => line !== "");
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="sluice gate" ${counts}>`,
    `  <testsuite name="sluice gate" ${counts} time="0">`,
    ...outcomes.map(testCase),
    `    <system-out>${text(remarks.join("\n"))}</system-out>`,
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
};

const testCase = ({ name, failure, error, skipped }: Outcome): string => {
  const head = `    <testcase classname="sluice.gate" name="${text(name)}" time="0"`;
  if (error) return `${head}><error message="${text(error)}"/></testcase>`;
  if (failure) return `${head}><failure message="${text(failure)}"/></testcase>`;
  if (skipped) return `${head}><skipped message="${text(skipped)}"/></testcase>`;
  return `${head}/>`;
};

/** Escaped, and without the characters that XML 1.0 cannot hold even escaped. */
const text = (raw: string): string =>
  raw
    .toWellFormed()
    .replaceAll(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "�")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("\n", "&#10;");
