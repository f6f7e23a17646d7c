import type { CanaryForecast } from "@sluice/contracts";
import { count, decimal, duration, localTime, milliseconds, percent } from "../../domain/words.ts";
import { DataTable } from "../../parts/data-table.tsx";
import { checkTitles, writeOf } from "./canary-section.tsx";
import { Section } from "./section.tsx";

type Metric = CanaryForecast["metrics"][number];

/** Rates and scores in their own unit; of latency what is found is a ratio. */
const detectable = ({ check }: Metric, value: number | null): string => {
  if (value === null) return "not to be seen";
  return check === "latencyP95" ? `× ${decimal(value)}` : writeOf(check)(value);
};

/** What the canary will be able to see, as it was told when the release was requested. */
export const ForecastSection = ({
  forecast,
  release,
}: {
  readonly forecast: CanaryForecast | undefined;
  readonly release: string;
}) => {
  if (!forecast) return null;
  const { traffic, steps, metrics, extended, sentence } = forecast;
  return (
    <Section id="forecast" title="Forecast" verdict={sentence}>
      <p class="muted">
        {traffic
          ? `From ${decimal(traffic.requestsPerMinute)} requests a minute between ${localTime(traffic.from)} and ${localTime(traffic.to)}.`
          : "The recent traffic could not be asked for."}{" "}
        {extended &&
          `Step ${extended.step + 1} is held for ${duration(extended.toSeconds * 1_000)} instead of ${duration(extended.fromSeconds * 1_000)}, so that it can see what it must.`}
      </p>
      {metrics.length > 0 && (
        <DataTable
          caption="The smallest change for the worse that is found with probability 0.8 by the end of each step"
          fileName={`${release}-forecast`}
          rows={metrics}
          keyOf={({ check }) => check}
          isMarked={({ seen }) => !seen}
          columns={[
            { title: "Check", cell: ({ check }) => checkTitles[check], value: ({ check }) => check },
            {
              title: "Recent baseline",
              numeric: true,
              cell: ({ check, baseline }) =>
                check === "latencyP95" ? milliseconds(baseline) : writeOf(check)(baseline),
              value: ({ baseline }) => baseline,
            },
            ...steps.map(({ share, minutes, enoughRequests }, i) => ({
              title: `${percent(share)}, ${count(Math.ceil(minutes))} min${enoughRequests ? "" : ", too few requests"}`,
              numeric: true,
              cell: (metric: Metric) => detectable(metric, metric.detectable[i] ?? null),
              value: (metric: Metric) => metric.detectable[i] ?? null,
            })),
            {
              title: "Must be seen",
              numeric: true,
              cell: (metric) => (metric.mustDetect === null ? "–" : detectable(metric, metric.mustDetect)),
              value: ({ mustDetect }) => mustDetect,
            },
            {
              title: "In words",
              cell: (metric) => <span class="sentence">{metric.sentence}</span>,
              value: (metric) => metric.sentence,
            },
          ]}
        />
      )}
    </Section>
  );
};
