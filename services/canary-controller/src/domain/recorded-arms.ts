import { type ArmWindow, type CanaryWindow, latencyBinOf, timestampOf } from "@sluice/contracts";

/** A recorded request of one arm, in the units of the controller. */
export interface RecordedRequest {
  readonly arm: "baseline" | "candidate";
  /** Since the start of the recording; null where nobody noted it. */
  readonly atMs: number | null;
  readonly latencyMs: number;
  readonly failed: boolean;
  /** Null when it cannot be told. */
  readonly refused: boolean | null;
  /** In [0, 1]; null when nobody judged it. */
  readonly quality: number | null;
}

/** Requests of an arm that a window should hold on average, so that a comparison within it means something. */
const REQUESTS_PER_WINDOW = 10;
const MAX_WINDOWS = 500;

type Placed = RecordedRequest & { readonly position: number };

/**
 * A recording as the controller would have seen it: windows of both arms side by side. Rows with times keep them; without,
 * the rows of each arm are taken in file order at an even rate.
 */
export const windowsOfRecording = (
  requests: ReadonlyArray<RecordedRequest>,
  windowSeconds: number,
): ReadonlyArray<CanaryWindow> => {
  const arms = { baseline: armOf(requests, "baseline"), candidate: armOf(requests, "candidate") };
  const fewest = Math.min(arms.baseline.length, arms.candidate.length);
  if (fewest === 0) return [];
  const count = Math.min(MAX_WINDOWS, Math.max(1, Math.floor(fewest / REQUESTS_PER_WINDOW)));
  const share = arms.candidate.length / requests.length;
  const baseline = windowsOf(arms.baseline, count);
  const candidate = windowsOf(arms.candidate, count);
  return Array.from({ length: count }, (_, i) => ({
    from: timestampOf(i * windowSeconds * 1_000),
    step: 0,
    share,
    baseline: countsOf(baseline[i] ?? []),
    candidate: countsOf(candidate[i] ?? []),
    probes: { sent: 0, failed: 0, confirmed: [] },
  }));
};

/** Each request's place in its arm's recording, from 0 to 1. Arms that were measured one after the other overlap again. */
const armOf = (requests: ReadonlyArray<RecordedRequest>, arm: "baseline" | "candidate"): ReadonlyArray<Placed> => {
  const own = requests.filter((request) => request.arm === arm);
  const times = own.map(({ atMs }) => atMs);
  const last = Math.max(0, ...times.map((time) => time ?? 0));
  const timed = last > 0 && times.every((time) => time !== null);
  return own.map((request, i) => ({ ...request, position: timed ? (request.atMs ?? 0) / last : i / own.length }));
};

const windowsOf = (requests: ReadonlyArray<Placed>, count: number): ReadonlyArray<ReadonlyArray<Placed>> => {
  const windows: Array<Array<Placed>> = Array.from({ length: count }, () => []);
  for (const request of requests) windows[Math.min(count - 1, Math.floor(request.position * count))]?.push(request);
  return windows;
};

const countsOf = (requests: ReadonlyArray<RecordedRequest>): ArmWindow => {
  const answered = requests.filter(({ failed }) => !failed);
  const known = answered.flatMap(({ refused }) => (refused === null ? [] : [refused]));
  const scores = requests.flatMap(({ quality }) => (quality === null ? [] : [quality]));
  const bins = new Map<number, number>();
  for (const { latencyMs } of answered) {
    const bin = latencyBinOf(latencyMs);
    bins.set(bin, (bins.get(bin) ?? 0) + 1);
  }
  return {
    requests: requests.length,
    // The recording does not say who sent a request: the split between the arms is not judged.
    conversations: 0,
    errors: requests.length - answered.length,
    answered: known.length,
    refusals: known.filter(Boolean).length,
    latencyBins: [...bins].sort(([a], [b]) => a - b),
    quality: {
      n: scores.length,
      sum: scores.reduce((sum, score) => sum + score, 0),
      sumSquares: scores.reduce((sum, score) => sum + score * score, 0),
    },
    wrongDigest: 0,
  };
};
