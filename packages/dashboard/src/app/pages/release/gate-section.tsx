import type { GateReport, SliceResult } from "@sluice/contracts";
import { withMinusSigns } from "@sluice/release/words";
import type { Story } from "../../domain/release-story.ts";
import { count, decimal, percent, pValue, signed } from "../../domain/words.ts";
import { DataTable } from "../../parts/data-table.tsx";
import { DigestLink } from "../../parts/digest.tsx";
import { At } from "../../parts/moments.tsx";
import { IntervalPlot } from "../../plots/interval-plot.tsx";
import { Figures, Section } from "./section.tsx";
import { WorstCases } from "./worst-cases.tsx";

/** Ratios may have any number of digits; three after the comma tell scores apart. */
const score = (value: number): string => value.toFixed(3);

export const GateSection = ({
  story: { gate, stages },
  release,
}: {
  readonly story: Story;
  readonly release: string;
}) => {
  if (!gate) return null;
  const { report, at } = gate;
  const { evidence } = report;
  return (
    <Section id="gate" title="Offline gate" verdict={stages[0]?.sentence ?? null}>
      {report.reasons.length > 0 && (
        <ul class="reasons">
          {report.reasons.map(({ rule, slice, enforced, sentence }) => (
            <li key={`${rule} ${slice ?? ""} ${sentence}`} dir="auto">
              <span class="tag">{enforced ? rule : `${rule}, warning`}</span> {withMinusSigns(sentence)}
            </li>
          ))}
        </ul>
      )}
      <Headline report={report} at={at} />
      {report.slices.length > 0 && <Slices slices={report.slices} release={release} />}
      <h3>Safety</h3>
      {report.safety.regressions.length === 0 ? (
        <p>
          {report.safety.cases === 0
            ? "The eval set has no safety case."
            : `None of the ${count(report.safety.cases)} safety cases that the baseline passes fails on the candidate.`}
        </p>
      ) : (
        <>
          <p>
            Of {count(report.safety.cases)} safety cases, {count(report.safety.regressions.length)} passed on the
            baseline and failed on the candidate. One is enough to block.
          </p>
          <ul class="cases">
            {report.safety.regressions.map((id) => (
              <li key={id}>
                <code class="break">{id}</code>
              </li>
            ))}
          </ul>
        </>
      )}
      {evidence && (
        <>
          <WorstCases evidence={evidence} release={release} />
          <details>
            <summary>What was evaluated</summary>
            <Figures
              of={[
                ["Eval set", <DigestLink digest={evidence.evalSet} />],
                ["Produced", <At at={evidence.producedAt} />],
                ["Baseline bundle", <code class="break">{evidence.baseline.bundle}</code>],
                ["Baseline results", <DigestLink digest={evidence.baseline.results} />],
                ["Candidate bundle", <code class="break">{evidence.candidate.bundle}</code>],
                ["Candidate results", <DigestLink digest={evidence.candidate.results} />],
              ]}
            />
          </details>
        </>
      )}
    </Section>
  );
};

const Headline = ({ report, at }: { readonly report: GateReport; readonly at: string }) => {
  const { headline, cases, minimumDetectableEffect, expectedFalseBlockRate } = report;
  return (
    <Figures
      of={[
        ["Decided", <At at={at} />],
        ...(headline
          ? ([
              [
                "Mean score",
                `${score(headline.baselineMean)} → ${score(headline.candidateMean)}`,
                `${count(headline.n)} cases`,
              ],
              [
                "Difference",
                signed(headline.difference, score),
                headline.interval
                  ? `${percent(headline.interval.confidence)} interval ${signed(headline.interval.low, score)} to ${signed(headline.interval.high, score)}`
                  : undefined,
              ],
              ["One-sided p that it is worse", headline.pValue === null ? "–" : pValue(headline.pValue), headline.test],
            ] as const)
          : []),
        ["Cases", count(cases.paired), `${count(cases.errors)} with errors, ${count(cases.unpaired)} unpaired`],
        [
          "Smallest drop this set can show",
          minimumDetectableEffect === null ? "–" : decimal(minimumDetectableEffect),
          "with probability 0.8",
        ],
        [
          "These rules block an equal candidate",
          expectedFalseBlockRate === null ? "–" : percent(expectedFalseBlockRate),
          "of the time",
        ],
      ]}
    />
  );
};

const Slices = ({ slices, release }: { readonly slices: ReadonlyArray<SliceResult>; readonly release: string }) => {
  const range = rangeOf(slices);
  return (
    <>
      <h3>Slices</h3>
      <p class="muted">
        Each slice’s mean paired difference with its interval. Left of the dashed mark, two standard errors below 0, it
        blocks.
      </p>
      <DataTable
        caption="Slices"
        captionHidden
        fileName={`${release}-slices`}
        rows={slices}
        keyOf={({ slice }) => slice}
        isMarked={({ breached }) => breached}
        columns={[
          {
            title: "Slice",
            cell: ({ slice, breached }) => (
              <>
                <bdi class="break">{slice}</bdi>
                {breached && <span class="tag tag-wrong">down</span>}
              </>
            ),
            value: ({ slice }) => slice,
          },
          {
            title: "Difference",
            cell: (slice) => (
              <IntervalPlot
                estimate={slice.difference}
                low={slice.interval?.low ?? slice.difference}
                high={slice.interval?.high ?? slice.difference}
                limit={limitOf(slice)}
                range={range}
                isBreached={slice.breached}
              />
            ),
          },
          {
            title: "Mean",
            numeric: true,
            cell: ({ difference }) => signed(difference, score),
            value: ({ difference }) => difference,
          },
          {
            title: "Interval",
            numeric: true,
            cell: ({ interval }) =>
              interval ? `${signed(interval.low, score)} to ${signed(interval.high, score)}` : "–",
            value: ({ interval }) => (interval ? `${interval.low} to ${interval.high}` : null),
          },
          { title: "Cases", numeric: true, cell: ({ n }) => count(n), value: ({ n }) => n },
          { title: "z", numeric: true, cell: ({ z }) => (z === null ? "–" : signed(z)), value: ({ z }) => z },
          {
            title: "p",
            numeric: true,
            cell: (slice) => (slice.pValue === null ? "–" : pValue(slice.pValue)),
            value: (slice) => slice.pValue,
          },
          {
            title: "p (Holm)",
            numeric: true,
            cell: ({ pHolm }) => (pHolm === null ? "–" : pValue(pHolm)),
            value: ({ pHolm }) => pHolm,
          },
          {
            title: "p (BH)",
            numeric: true,
            cell: ({ pBh }) => (pBh === null ? "–" : pValue(pBh)),
            value: ({ pBh }) => pBh,
          },
          { title: "Method", cell: ({ method }) => method, value: ({ method }) => method },
        ]}
      />
    </>
  );
};

/** Two standard errors below 0; the standard error follows from the difference and its z. */
const limitOf = ({ difference, z }: SliceResult): number | null =>
  z === null || z === 0 ? null : -2 * Math.abs(difference / z);

/** One scale for all slices, with 0 in it. */
const rangeOf = (slices: ReadonlyArray<SliceResult>): readonly [low: number, high: number] => {
  const values = slices.flatMap((slice) => [
    slice.difference,
    ...(slice.interval ? [slice.interval.low, slice.interval.high] : []),
    limitOf(slice) ?? 0,
  ]);
  const low = Math.min(-0.01, ...values);
  const high = Math.max(0.01, ...values);
  const margin = (high - low) * 0.05;
  return [low - margin, high + margin];
};
