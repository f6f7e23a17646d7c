import type { CanaryWindow, Policy } from "@sluice/contracts";
import { useMemo } from "preact/hooks";
import { armSeries, differenceSeries, type PlottedCheck } from "../../domain/canary-series.ts";
import { signed } from "../../domain/words.ts";
import { LinePlot, type PlotMark } from "../../plots/line-plot.tsx";

export type StepMark = PlotMark;

interface Props {
  readonly check: PlottedCheck;
  readonly title: string;
  readonly windows: ReadonlyArray<CanaryWindow>;
  readonly metrics: Policy["canary"]["metrics"];
  readonly marks: ReadonlyArray<StepMark>;
  readonly write: (value: number) => string;
  readonly release: string;
}

/** One metric: both arms over time, and their difference with its confidence sequence. */
export const CheckPlots = ({ check, title, windows, metrics, marks, write, release }: Props) => {
  const arms = useMemo(() => armSeries(check, windows), [check, windows]);
  const difference = useMemo(() => differenceSeries(check, metrics, windows), [check, windows]);
  const ceiling = ceilingOf(check, metrics);
  const last = arms.candidate.findLast((value) => value !== null);
  const lastDifference = difference.difference.findLast((value) => value !== null);
  const time = (values: ReadonlyArray<number>) => ({ kind: "time", label: "time", values }) as const;
  return (
    <>
      <LinePlot
        title={title}
        summary={
          last == null
            ? "The candidate has no value yet."
            : `${write(last)} on the candidate in the last window${ceiling === null ? "" : `; its ceiling is ${write(ceiling)}`}.`
        }
        x={time(arms.timesMs)}
        series={[
          { label: "baseline", kind: "baseline", values: arms.baseline },
          { label: "candidate", kind: "candidate", values: arms.candidate },
          ...(ceiling === null
            ? []
            : [{ label: "ceiling", kind: "limit" as const, values: arms.timesMs.map(() => ceiling) }]),
        ]}
        marks={marks}
        write={write}
        fileName={`${release}-${check}`}
      />
      <LinePlot
        title={`${title}: candidate minus baseline`}
        summary={
          lastDifference == null
            ? "The arms were not measured side by side yet."
            : `${signed(lastDifference, write)} in the last step; the band is its confidence sequence, worked out here from the windows on record.`
        }
        x={time(difference.timesMs)}
        series={[
          { label: "difference", kind: "candidate", values: difference.difference },
          { label: "low", kind: "bound", values: difference.low },
          { label: "high", kind: "bound", values: difference.high },
          { label: "no difference", kind: "limit", values: difference.timesMs.map(() => 0) },
        ]}
        marks={marks}
        write={(value) => signed(value, write)}
        fileName={`${release}-${check}-difference`}
      />
    </>
  );
};

const ceilingOf = (check: PlottedCheck, metrics: Policy["canary"]["metrics"]): number | null => {
  if (check === "latencyP95") return metrics.latencyP95.ceilingMs;
  return check === "quality" ? null : metrics[check].ceiling;
};
