import type { CanaryProgress } from "@sluice/contracts";
import type { Look } from "../../domain/release-story.ts";
import { eValue } from "../../domain/words.ts";
import { LinePlot } from "../../plots/line-plot.tsx";
import type { StepMark } from "./check-plots.tsx";

interface Props {
  readonly looks: ReadonlyArray<Look>;
  readonly progress: ReadonlyArray<CanaryProgress>;
  readonly marks: ReadonlyArray<StepMark>;
  readonly release: string;
}

/** The e-value that decides, against its threshold: at each decision on record, and at each look of the present step. */
export const EvidencePlot = ({ looks, progress, marks, release }: Props) => {
  const told = [
    ...looks.map(({ at, evidence }) => ({ atMs: Date.parse(at), ...evidence.combined })),
    ...progress.flatMap(({ at, combined }) => (combined ? [{ atMs: Date.parse(at), ...combined }] : [])),
  ].sort((a, b) => a.atMs - b.atMs);
  const last = told.at(-1);
  if (!last) return null;
  return (
    <LinePlot
      title="Evidence that the candidate is worse (e-value)"
      summary={`${eValue(last.logE)} now; a breach at ${eValue(last.logThreshold)}, one false-alarm budget of ${last.alpha} for the whole rollout.`}
      x={{ kind: "time", label: "time", values: told.map(({ atMs }) => atMs) }}
      series={[
        { label: "e-value, natural log", kind: "evidence", values: told.map(({ logE }) => logE) },
        { label: "threshold", kind: "limit", values: told.map(({ logThreshold }) => logThreshold) },
      ]}
      marks={marks}
      write={(value) => value.toFixed(1)}
      fileName={`${release}-evidence`}
    />
  );
};
