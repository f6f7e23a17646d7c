import { performance } from "node:perf_hooks";
import type { AskOutcome, Ledger, Progress } from "@sluice/evals/runner/index";

const TTY_INTERVAL_MS = 250;
/** In a log every line stays. */
const LOG_INTERVAL_MS = 10_000;

export interface ProgressLine {
  readonly progress: Progress;
  readonly counts: Counts;
  /** Removes the line from a terminal. */
  readonly clear: () => void;
}

export interface Counts {
  finished: number;
  reused: number;
  errors: number;
  /** Requests that went out, again or for the first time. */
  sent: number;
  retried: number;
  /** Sent again after a time-out or a broken connection: the first may be billed as well. */
  maybePaidTwice: number;
}

/** One line on standard error that says how far the run is and how long it will take; in a log, one now and then. */
export const progressLine = (total: number, ledger: Ledger, currency: string | null): ProgressLine => {
  const counts: Counts = { finished: 0, reused: 0, errors: 0, sent: 0, retried: 0, maybePaidTwice: 0 };
  const { stderr } = process;
  const isTerminal = stderr.isTTY === true;
  const startedAt = performance.now();
  let shownAt = startedAt - (isTerminal ? TTY_INTERVAL_MS : 0);
  const show = () => {
    const now = performance.now();
    if (now - shownAt < (isTerminal ? TTY_INTERVAL_MS : LOG_INTERVAL_MS) || !process.connected) return;
    shownAt = now;
    const line = sentence(counts, total, now - startedAt, ledger.cost, currency);
    stderr.write(isTerminal ? `\r\u001b[2K${line}` : `${line}\n`);
  };
  return {
    counts,
    clear: () => void (isTerminal && process.connected && stderr.write("\r\u001b[2K")),
    progress: {
      sent: () => {
        counts.sent++;
      },
      retried: ({ maybePaid }) => {
        counts.retried++;
        if (maybePaid) counts.maybePaidTwice++;
      },
      finished: (outcome: AskOutcome) => {
        counts.finished++;
        if (outcome.isReused) counts.reused++;
        if (outcome._tag === "Errored") counts.errors++;
        show();
      },
    },
  };
};

const sentence = (
  { finished, reused, errors }: Counts,
  total: number,
  elapsedMs: number,
  cost: number | null,
  currency: string | null,
): string => {
  // Reused answers take no time, so they say nothing about the rest.
  const asked = finished - reused;
  const etaMs = asked > 0 ? (elapsedMs / asked) * Math.max(0, total - finished) : null;
  const parts = [
    `${finished}/${total} cases`,
    ...(reused > 0 ? [`${reused} known`] : []),
    ...(errors > 0 ? [`${errors} errors`] : []),
    ...(currency !== null && cost !== null ? [`${cost.toFixed(4)} ${currency}`] : []),
    ...(etaMs === null ? [] : [`${durationWords(etaMs)} left`]),
  ];
  return parts.join(", ");
};

export const durationWords = (ms: number): string => {
  const seconds = Math.ceil(ms / 1_000);
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
};
