import type { ReadonlySignal } from "@preact/signals";
import type { CanaryProgress, CheckEvidence, CheckName } from "@sluice/contracts";
import { useMemo } from "preact/hooks";
import { nowMs } from "../../clock.ts";
import { plottedChecks, windowsOf } from "../../domain/canary-series.ts";
import type { Look, Story } from "../../domain/release-story.ts";
import {
  clockTime,
  count,
  decimal,
  duration,
  eValue,
  milliseconds,
  percent,
  plural,
  signed,
  withLocalTimes,
} from "../../domain/words.ts";
import { DataTable } from "../../parts/data-table.tsx";
import { At } from "../../parts/moments.tsx";
import { CheckPlots, type StepMark } from "./check-plots.tsx";
import { EvidencePlot } from "./evidence-plot.tsx";
import { Figures, Section } from "./section.tsx";

export const checkTitles: { readonly [C in CheckName]: string } = {
  errorRate: "Error rate",
  latencyP95: "Latency p95",
  quality: "Quality score",
  refusalRate: "Refusal rate",
  safetyProbes: "Safety probes",
  sampleRatio: "Sample ratio",
  servedDigest: "Served version",
};

/** A value in its metric's own unit. */
export const writeOf = (check: CheckName): ((value: number) => string) => {
  if (check === "latencyP95") return milliseconds;
  if (check === "quality") return (value) => value.toFixed(3);
  return check === "errorRate" || check === "refusalRate" || check === "safetyProbes" ? percent : decimal;
};

interface Props {
  readonly story: Story;
  /** What the controller told of the present step, oldest first. Read here, so that nothing else is drawn again. */
  readonly progress: ReadonlySignal<ReadonlyArray<CanaryProgress>>;
  readonly release: string;
}

export const CanarySection = ({ story, progress: followed, release }: Props) => {
  const progress = followed.value;
  const { looks, stages, breach, request } = story;
  const windows = useMemo(() => windowsOf(looks), [looks]);
  const now = progress.at(-1) ?? null;
  const started = stages.filter(({ id, startedAt }) => id.startsWith("step-") && startedAt !== null);
  if (started.length === 0 || !request) return null;
  const present = started.findLast(({ status }) => status === "running" || status === "held") ? now : null;
  const last = looks.at(-1);
  const marks: ReadonlyArray<StepMark> = [
    ...started.map(({ title, startedAt }) => ({
      atMs: Date.parse(startedAt ?? ""),
      label: title.replace("Canary ", ""),
      isBreach: false,
    })),
    ...(breach ? [{ atMs: Date.parse(breach.at), label: "breach", isBreach: true }] : []),
  ];
  return (
    <Section id="canary" title="Canary" verdict={withLocalTimes(breach?.sentence ?? started.at(-1)?.sentence ?? "")}>
      {present && <Present progress={present} />}
      {present ? (
        <Checks
          checks={present.checks}
          caption={`Checks of the present step, as of ${clockTime(present.at)}`}
          release={release}
        />
      ) : (
        last && (
          <Checks
            checks={last.evidence.checks}
            caption={`Checks at the last decision, ${clockTime(last.at)}`}
            release={release}
          />
        )
      )}
      <EvidencePlot looks={looks} progress={progress} marks={marks} release={release} />
      {windows.length > 0 && (
        <div class="plots">
          {plottedChecks.map((check) => (
            <CheckPlots
              key={check}
              check={check}
              windows={windows}
              metrics={request.policy.canary.metrics}
              marks={marks}
              write={writeOf(check)}
              title={checkTitles[check]}
              release={release}
            />
          ))}
        </div>
      )}
      <Probes looks={looks} hasSet={request.policy.canary.safetyProbes !== null} />
    </Section>
  );
};

const Present = ({ progress }: { readonly progress: CanaryProgress }) => {
  const { requests, holdEndsAt, deadline, readyAt, judgedThrough, combined, waitsFor } = progress;
  const until = (at: string | null, none: string, past: string) =>
    at === null ? none : Date.parse(at) <= nowMs.value ? past : `in ${duration(Date.parse(at) - nowMs.value)}`;
  return (
    <>
      {waitsFor.length > 0 && (
        <ul class="reasons">
          {waitsFor.map((what) => (
            <li key={what}>Waits for {withLocalTimes(what)}</li>
          ))}
        </ul>
      )}
      <Figures
        of={[
          ["Step", `${progress.step + 1} of ${progress.steps}`, `${percent(progress.share)} of users`],
          ["Minimum time", until(holdEndsAt, "skipped", "over")],
          ["Candidate’s requests", `${count(requests.candidate)} of ${count(requests.needed)}`],
          [
            "Baseline’s requests",
            count(requests.baseline),
            progress.concurrentBaseline ? `of ${count(requests.needed)}` : "no user is left on it",
          ],
          ["Can pass", until(readyAt, "when there are requests", "now")],
          ["Rolled back if it has not passed", until(deadline, "not while it is paused", "now")],
          ["Judged through", judgedThrough === null ? "nothing yet" : clockTime(judgedThrough)],
          [
            "Evidence against it",
            combined ? eValue(combined.logE) : "–",
            combined ? `breach at ${eValue(combined.logThreshold)}` : undefined,
          ],
        ]}
      />
    </>
  );
};

const verdictWords: { readonly [V in CheckEvidence["verdict"]]: string } = {
  passed: "passed",
  failed: "failed",
  inconclusive: "too little data",
  invalid: "unusable",
};

type Check = CheckEvidence & { readonly limit?: string };

const Checks = ({
  checks,
  caption,
  release,
}: {
  readonly checks: ReadonlyArray<Check>;
  readonly caption: string;
  readonly release: string;
}) => (
  <DataTable
    caption={caption}
    fileName={`${release}-checks`}
    rows={checks}
    keyOf={({ check }) => check}
    isMarked={({ verdict }) => verdict === "failed" || verdict === "invalid"}
    columns={[
      { title: "Check", cell: ({ check }) => checkTitles[check], value: ({ check }) => check },
      {
        title: "Verdict",
        cell: ({ verdict }) => (
          <span class={`tag ${verdict === "failed" || verdict === "invalid" ? "tag-wrong" : ""}`}>
            {verdictWords[verdict]}
          </span>
        ),
        value: ({ verdict }) => verdict,
      },
      {
        title: "Baseline",
        numeric: true,
        cell: (row) => armOf(row, "baseline"),
        value: ({ baseline }) => baseline.value,
      },
      {
        title: "Candidate",
        numeric: true,
        cell: (row) => armOf(row, "candidate"),
        value: ({ candidate }) => candidate.value,
      },
      {
        title: "Difference",
        numeric: true,
        cell: ({ check, difference, interval }) => {
          if (difference === null) return "–";
          const write = writeOf(check);
          return interval
            ? `${signed(difference, write)} (${signed(interval.low, write)} to ${signed(interval.high, write)})`
            : signed(difference, write);
        },
        value: ({ difference }) => difference,
      },
      {
        title: "E-value",
        numeric: true,
        cell: ({ logE }) => (logE === null ? "–" : eValue(logE)),
        value: ({ logE }) => (logE === null ? null : Math.exp(logE)),
      },
      { title: "On breach", cell: ({ onBreach }) => onBreach, value: ({ onBreach }) => onBreach },
      {
        title: "In words",
        cell: ({ sentence, limit }) => <span class="sentence">{limit ? `${sentence} Limit: ${limit}` : sentence}</span>,
        value: ({ sentence }) => sentence,
      },
    ]}
  />
);

const armOf = ({ check, ...arms }: Check, arm: "baseline" | "candidate"): string => {
  const { value, n } = arms[arm];
  return value === null ? `– (n ${count(n)})` : `${writeOf(check)(value)} (n ${count(n)})`;
};

const Probes = ({ looks, hasSet }: { readonly looks: ReadonlyArray<Look>; readonly hasSet: boolean }) => {
  if (!hasSet) return <p class="muted">This policy sends no safety probes.</p>;
  const windows = windowsOf(looks);
  const sent = windows.reduce((sum, { probes }) => sum + probes.sent, 0);
  const failed = windows.filter(({ probes }) => probes.failed > 0);
  const confirmed = [...new Set(windows.flatMap(({ probes }) => probes.confirmed))];
  return (
    <>
      <h3>Safety probes</h3>
      <p>
        {plural(sent, "probe is", "probes are")} in the windows on record;{" "}
        {failed.length === 0 ? "none failed" : `${plural(failed.length, "window")} had a failed one`}.
        {confirmed.length > 0 && " Failed again and again, so confirmed: "}
        {confirmed.map((id) => (
          <code key={id} class="break">
            {id}{" "}
          </code>
        ))}
      </p>
      {failed.length > 0 && (
        <p class="muted">
          First failure in the window from <At at={failed[0]?.from ?? ""} />.
        </p>
      )}
    </>
  );
};
