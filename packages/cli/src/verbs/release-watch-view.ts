import { type CanaryProgress, type CheckProgress, epochMsOf, type ReleaseBody } from "@sluice/contracts";
import { eventLine } from "../event-line.ts";
import { printable } from "../printable.ts";

export interface Watched {
  readonly body: typeof ReleaseBody.Type;
  /** Of the present canary step; null outside the canary. */
  readonly progress: CanaryProgress | null;
}

/** Events shown below the figures. */
const EVENTS = 6;
const BAR = 40;

/** What an operator needs to see at one look: where the release stands, until when, by which figures, and what it waits for. */
export const watchView = (
  watched: Watched,
  nowMs: number,
  { columns, rows }: { readonly columns: number; readonly rows: number },
): ReadonlyArray<string> => {
  const { body, progress } = watched;
  const lines = [
    headline(watched, nowMs),
    "",
    ...(progress ? [...timeLines(progress, nowMs), ...countLines(progress), "", ...checkTable(progress), ""] : []),
    ...waitLines(watched),
    ...body.events.slice(-EVENTS).map(({ event, accepted, refusal }) => {
      const note = accepted ? "" : `refused (${refusal?.code}): `;
      return `  ${event.at.slice(11, 19)}  ${note}${eventLine(event)}`;
    }),
  ];
  // A line that wraps would be two, and what has scrolled away cannot be drawn over: the figures come first.
  return lines
    .slice(0, Math.max(1, rows - 1))
    .map((line) => (line.length > columns ? `${line.slice(0, Math.max(0, columns - 1))}…` : line));
};

/** The same in one line, for where nothing can be drawn. */
export const progressLine = (progress: CanaryProgress, nowMs: number): string => {
  const { requests, waitsFor } = progress;
  const seen = `${count(requests.candidate)} requests on the candidate, ${count(requests.baseline)} on the baseline`;
  const waits = waitsFor.length > 0 ? `; waits for ${waitsFor.join(" and ")}` : "";
  return printable(`${stepText(progress)}: ${seen}; ${timeText(progress, nowMs)}${waits}`);
};

const headline = ({ body, progress }: Watched, nowMs: number): string => {
  const { release, active } = body;
  const where = progress ? `canary, ${stepText(progress)}` : release.phase;
  const paused = active?.paused ? ", PAUSED" : "";
  return `${release.application}  ${release.releaseId}  ${where}${paused}   ${new Date(nowMs).toISOString().slice(11, 19)} UTC`;
};

const stepText = ({ step, steps, share }: CanaryProgress): string =>
  `step ${step + 1} of ${steps}, ${Number((100 * share).toFixed(2))} % of users`;

const timeLines = (progress: CanaryProgress, nowMs: number): ReadonlyArray<string> => {
  const { startedAt, holdEndsAt, deadline } = progress;
  const endMs = holdEndsAt === null ? nowMs : epochMsOf(holdEndsAt);
  const length = endMs - epochMsOf(startedAt);
  const part = length <= 0 ? 1 : Math.min(1, Math.max(0, (nowMs - epochMsOf(startedAt)) / length));
  const done = Math.floor(BAR * part);
  return [
    `[${"#".repeat(done)}${"-".repeat(BAR - done)}]  ${timeText(progress, nowMs)}`,
    deadline === null
      ? "no deadline while it stands still"
      : `rolled back ${inTime(epochMsOf(deadline) - nowMs)} (${clock(deadline)}) unless it has passed by then`,
  ];
};

const timeText = ({ holdEndsAt, readyAt }: CanaryProgress, nowMs: number): string => {
  const left = holdEndsAt === null ? 0 : epochMsOf(holdEndsAt) - nowMs;
  const hold =
    holdEndsAt === null
      ? "hold skipped"
      : left > 0
        ? `${duration(left)} of its hold left (until ${clock(holdEndsAt)})`
        : "its hold is over";
  if (readyAt === null) return `${hold}; no telling when its requests are enough`;
  // Within a window nobody can tell more.
  const later = epochMsOf(readyAt) - Math.max(nowMs, holdEndsAt === null ? 0 : epochMsOf(holdEndsAt));
  return later > 1_000 ? `${hold}; enough requests at about ${clock(readyAt)}` : hold;
};

const countLines = ({
  requests,
  windows,
  windowSeconds,
  judgedThrough,
  combined,
  concurrentBaseline,
}: CanaryProgress) => [
  `requests  candidate ${count(requests.candidate)} of ${count(requests.needed)}   baseline ${count(requests.baseline)}${concurrentBaseline ? ` of ${count(requests.needed)}` : " (of the step before)"}`,
  judgedThrough === null
    ? `judged    no closed window of ${windowSeconds} s yet`
    : `judged    ${count(windows)} windows of ${windowSeconds} s, through ${clock(judgedThrough)}`,
  ...(combined
    ? [
        `harm      ${times(combined.logE)} to 1 over the whole rollout; a breach at ${times(combined.logThreshold)} to 1`,
      ]
    : []),
];

const labels: { readonly [Check in CheckProgress["check"]]?: string } = {
  errorRate: "error rate",
  refusalRate: "refusal rate",
  latencyP95: "latency p95",
  quality: "quality",
  safetyProbes: "safety probes",
  sampleRatio: "sample ratio",
  servedDigest: "served digest",
};

const checkTable = ({ checks }: CanaryProgress): ReadonlyArray<string> => {
  if (checks.length === 0) return [];
  const head = ["check", "verdict", "candidate", "baseline", "change", "interval", "evidence", "limit"];
  const rows = checks.map((one) => [
    labels[one.check] ?? one.check,
    one.verdict === "failed" ? "FAILED" : one.verdict,
    valued(one, one.candidate.value),
    valued(one, one.baseline.value),
    signed(one, one.difference),
    one.interval ? `${signed(one, one.interval.low)} … ${signed(one, one.interval.high)}` : "-",
    one.logE === null ? "-" : `${times(one.logE)}:1`,
    one.limit,
  ]);
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  return [head, ...rows].map((row) =>
    printable(row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  ")).trimEnd(),
  );
};

const waitLines = ({ body, progress }: Watched): ReadonlyArray<string> => {
  const { active } = body;
  const waits =
    progress && progress.waitsFor.length > 0 ? progress.waitsFor : active?.waitsFor ? [active.waitsFor] : [];
  // The state knows of a freeze before the step is looked at again.
  const frozen = active?.waitsFor?.startsWith("the end of ") ? [active.waitsFor] : [];
  const all = [...new Set([...frozen, ...waits])];
  return all.length === 0
    ? []
    : [...all.map((text, i) => printable(`${i === 0 ? "waits for" : "         "} ${text}`)), ""];
};

const isRate = ({ check }: CheckProgress): boolean => check === "errorRate" || check === "refusalRate";

const valued = (check: CheckProgress, value: number | null): string => {
  if (value === null) return "-";
  if (isRate(check)) return `${(100 * value).toFixed(2)} %`;
  if (check.check === "latencyP95") return `${Math.round(value)} ms`;
  return check.check === "quality" ? value.toFixed(3) : String(Number(value.toPrecision(4)));
};

const signed = (check: CheckProgress, value: number | null): string => {
  if (value === null) return "-";
  const text = isRate(check) ? `${(100 * Math.abs(value)).toFixed(2)} pp` : valued(check, Math.abs(value));
  return `${value < 0 ? "-" : "+"}${text}`;
};

const MAX_TIMES = Math.log(1e6);
/** An e-value as people read it. */
const times = (logE: number): string => {
  if (logE > MAX_TIMES) return "over 1,000,000";
  const value = Math.exp(logE);
  return value >= 100 ? count(Math.round(value)) : value.toFixed(value >= 10 ? 1 : 2);
};

const count = (n: number): string => n.toLocaleString("en");
const clock = (at: string): string => `${at.slice(11, 19)}Z`;

const inTime = (ms: number): string => (ms <= 0 ? "at once" : `in ${duration(ms)}`);

const duration = (ms: number): string => {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  const [h, m, s] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  if (h > 0) return `${h} h ${m} min`;
  return m > 0 ? `${m} min ${s} s` : `${s} s`;
};
