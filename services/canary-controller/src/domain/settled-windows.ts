import type { ArmWindow, CanaryWindow, Timestamp } from "@sluice/contracts";

type Measured = Pick<CanaryWindow, "from" | "baseline" | "candidate" | "probes">;

export interface JudgedWindows {
  /** Of the steps before, as they were frozen when those passed. */
  readonly earlier: ReadonlyArray<CanaryWindow>;
  /** The last of `earlier` as they are known now: judgements of them may have come since. */
  readonly tail: ReadonlyArray<Measured>;
  readonly present: ReadonlyArray<CanaryWindow>;
  /** Judgements of windows that end here or before have had their time to come. */
  readonly settledThrough: Timestamp;
}

/**
 * The present step's windows with what may be concluded from judgements that come late. Scores enter once, and in order:
 * those of a window count when it and all before it are final. What came after a step had passed (scores, confirmed failures
 * of safety probes) counts in the first window of the next one, for the windows of a passed step are history.
 */
export const settledWindows = ({
  earlier,
  tail,
  present,
  settledThrough,
}: JudgedWindows): ReadonlyArray<CanaryWindow> => {
  const countedThrough = earlier.findLast(hasScores)?.from ?? "";
  const late = tail.filter(({ from }) => from > countedThrough);
  const firstOpen = [...late, ...present].find((window) => !isFinal(window, settledThrough))?.from;
  const isCounted = ({ from }: Measured) => firstOpen === undefined || from < firstOpen;
  return present.map((window, i) => {
    const scored = isCounted(window) ? (i === 0 ? late.reduce(addScores, window) : window) : withoutScores(window);
    return i === 0 ? addProbes(scored, earlier, tail) : scored;
  });
};

const hasScores = ({ baseline, candidate }: Measured): boolean => baseline.quality.n + candidate.quality.n > 0;

/** Either the time for scores is over, or every answer has its score already. */
const isFinal = ({ from, baseline, candidate }: Measured, settledThrough: Timestamp): boolean =>
  from < settledThrough || (isWhollyScored(baseline) && isWhollyScored(candidate));

const isWhollyScored = ({ requests, errors, quality }: ArmWindow): boolean => quality.n >= requests - errors;

const noScores = { n: 0, sum: 0, sumSquares: 0 };

const withoutScores = (window: CanaryWindow): CanaryWindow => ({
  ...window,
  baseline: { ...window.baseline, quality: noScores },
  candidate: { ...window.candidate, quality: noScores },
});

const addScores = (window: CanaryWindow, late: Measured): CanaryWindow => {
  const sumsOf = (arm: "baseline" | "candidate") => ({
    n: window[arm].quality.n + late[arm].quality.n,
    sum: window[arm].quality.sum + late[arm].quality.sum,
    sumSquares: window[arm].quality.sumSquares + late[arm].quality.sumSquares,
  });
  return {
    ...window,
    baseline: { ...window.baseline, quality: sumsOf("baseline") },
    candidate: { ...window.candidate, quality: sumsOf("candidate") },
  };
};

const addProbes = (
  window: CanaryWindow,
  earlier: ReadonlyArray<CanaryWindow>,
  tail: ReadonlyArray<Measured>,
): CanaryWindow => {
  const known = new Set([...earlier, window].flatMap(({ probes }) => probes.confirmed));
  const late = new Set(tail.flatMap(({ probes }) => probes.confirmed).filter((probe) => !known.has(probe)));
  if (late.size === 0) return window;
  const { sent, failed, confirmed } = window.probes;
  return {
    ...window,
    probes: { sent: sent + late.size, failed: failed + late.size, confirmed: [...confirmed, ...late] },
  };
};
