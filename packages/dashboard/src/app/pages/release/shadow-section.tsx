import type { Policy, ShadowInputs } from "@sluice/contracts";
import { withMinusSigns } from "@sluice/release/words";
import { useMemo } from "preact/hooks";
import type { Story } from "../../domain/release-story.ts";
import { agreementOf, shadowSeries } from "../../domain/shadow-series.ts";
import { count, eValue, percent, signed } from "../../domain/words.ts";
import { DigestLink } from "../../parts/digest.tsx";
import { At } from "../../parts/moments.tsx";
import { Failure, Loading } from "../../parts/notices.tsx";
import { useAnswer } from "../../parts/use-answer.ts";
import { LinePlot } from "../../plots/line-plot.tsx";
import { askAsMe } from "../../registry/session.ts";
import { Figures, Section } from "./section.tsx";
import { ShadowPairs } from "./shadow-pairs.tsx";

const score = (value: number): string => value.toFixed(3);

export const ShadowSection = ({
  story: { shadow, request, stages },
  release,
}: {
  readonly story: Story;
  readonly release: string;
}) => {
  const started = stages.find(({ id, startedAt }) => id === "shadow" && startedAt !== null);
  if (!started || !request) return null;
  const pairs = <ShadowPairs application={request.application} release={release} />;
  if (!shadow)
    return (
      <Section id="shadow" title="Shadow" verdict={started.sentence}>
        <p class="muted">Its figures are on record once there is a verdict.</p>
        {pairs}
      </Section>
    );
  const { evidence, at } = shadow;
  const { baselineMean, candidateMean, meanDifference, interval } = evidence;
  return (
    <Section id="shadow" title="Shadow" verdict={withMinusSigns(evidence.sentence)}>
      <Figures
        of={[
          ["Decided", <At at={at} />],
          [
            "Mean judge score",
            baselineMean === null || candidateMean === null ? "–" : `${score(baselineMean)} → ${score(candidateMean)}`,
          ],
          [
            "Mean paired difference",
            meanDifference === null ? "–" : signed(meanDifference, score),
            interval
              ? `${percent(interval.confidence)} confidence sequence ${signed(interval.low, score)} to ${signed(interval.high, score)}`
              : undefined,
          ],
          ["E-value that it is worse", eValue(evidence.logE), `regressed at ${eValue(evidence.logThreshold)}`],
          ["Judged pairs", count(evidence.pairs), `of ${count(evidence.requests)} mirrored requests`],
          ["Judge errors", count(evidence.judgeErrors), "not scored"],
          ["Candidate errors", count(evidence.candidateErrors), "scored 0"],
          ["Dropped by the mirror", count(evidence.mirrorDropped)],
          ["Judge", <DigestLink digest={evidence.judge} />],
        ]}
      />
      <p class="muted">{withMinusSigns(evidence.method)}</p>
      <Series
        inputs={evidence.inputs}
        policy={request.policy.shadow}
        logThreshold={evidence.logThreshold}
        release={release}
      />
      {pairs}
    </Section>
  );
};

interface SeriesProps {
  readonly inputs: string;
  readonly policy: Policy["shadow"];
  readonly logThreshold: number;
  readonly release: string;
}

const Series = ({ inputs, policy, logThreshold, release }: SeriesProps) => {
  // What the decision was made on is an artifact, and its form is `ShadowInputs`.
  const answer = useAnswer(inputs, () => askAsMe("getArtifact", { path: { digest: inputs } }) as Promise<ShadowInputs>);
  const stored = answer.value.value;
  const points = useMemo(() => (stored ? shadowSeries(stored, policy) : []), [stored]);
  if (answer.value.failure !== null)
    return <Failure sentence={`The judged differences cannot be read: ${answer.value.failure}`} />;
  if (!stored) return <Loading />;
  const agreement = agreementOf(stored);
  const all = Math.max(1, stored.scores.length);
  const last = points.at(-1);
  const x = { kind: "count", label: "conversations judged", values: points.map(({ n }) => n) } as const;
  return (
    <>
      <h3>Judge agreement</h3>
      <Figures
        of={[
          ["Same score", percent(agreement.equal / all), `${count(agreement.equal)} of ${count(all)} conversations`],
          ["Candidate scored higher", percent(agreement.better / all), count(agreement.better)],
          ["Candidate scored lower", percent(agreement.worse / all), count(agreement.worse)],
        ]}
      />
      <LinePlot
        title="Mean paired difference, candidate minus baseline"
        summary={
          last?.mean == null
            ? "No pair was judged."
            : `After ${count(last.n)} conversations the candidate’s mean score differs by ${signed(last.mean, score)}; the band is its confidence sequence.`
        }
        x={x}
        series={[
          { label: "difference", kind: "candidate", values: points.map(({ mean }) => mean) },
          { label: "low", kind: "bound", values: points.map(({ low }) => low) },
          { label: "high", kind: "bound", values: points.map(({ high }) => high) },
          {
            label: policy.margin === 0 ? "no difference" : "margin",
            kind: "limit",
            values: points.map(() => -policy.margin),
          },
        ]}
        write={(value) => signed(value, score)}
        fileName={`${release}-shadow-difference`}
      />
      <LinePlot
        title="Evidence that the candidate is worse (e-value)"
        summary={`The betting half of the test; at ${eValue(logThreshold)} the shadow regresses.`}
        x={x}
        series={[
          { label: "e-value, natural log", kind: "evidence", values: points.map(({ logE }) => logE) },
          { label: "threshold", kind: "limit", values: points.map(() => logThreshold) },
        ]}
        write={(value) => value.toFixed(1)}
        fileName={`${release}-shadow-evidence`}
      />
    </>
  );
};
