import { type ArmWindow, epochMsOf, timestampOf, type UnitCounts } from "@sluice/contracts";
import { MAX_WINDOWS_PER_QUERY, type WindowQuery, type WindowRow } from "./telemetry-store.ts";

/** What gateways record of a request whose client left; see `Observation.status`. */
export const CLIENT_GONE_STATUS = 499;

export const emptyArmWindow: ArmWindow = {
  requests: 0,
  conversations: 0,
  errors: 0,
  answered: 0,
  refusals: 0,
  latencyBins: [],
  quality: { n: 0, sum: 0, sumSquares: 0 },
  wrongDigest: 0,
};

export const noUnits: UnitCounts = { n: 0, errors: 0, answered: 0, refusals: 0, latencyBins: [] };

/** Leaves the units out where every request was one of its own: they would only say the same again. */
export const withUnits = ({ units: _, ...arm }: ArmWindow, units: UnitCounts): ArmWindow =>
  arm.requests === units.n ? arm : { ...arm, units };

/** Number of the window that an instant belongs to, counted from the epoch. */
export const windowNumber = (epochMs: number, windowSeconds: number): number =>
  Math.floor(epochMs / (windowSeconds * 1_000));

/** Null when the query is sound, else one sentence that says what is wrong with it. */
export const faultOfQuery = ({ from, to, windowSeconds }: WindowQuery): string | null => {
  const length = windowSeconds * 1_000;
  if (epochMsOf(from) % length !== 0 || epochMsOf(to) % length !== 0)
    return `a window query must start and end on a multiple of ${windowSeconds} s, not ${from} to ${to}`;
  const windows = (epochMsOf(to) - epochMsOf(from)) / length;
  return windows > MAX_WINDOWS_PER_QUERY
    ? `a window query may span ${MAX_WINDOWS_PER_QUERY} windows, not ${windows}; ask in parts`
    : null;
};

/** The query's windows in order, the missing ones as empty: no data must be visible as such. */
export const fillWindows = (query: WindowQuery, filled: ReadonlyMap<number, WindowRow>): ReadonlyArray<WindowRow> => {
  const first = windowNumber(epochMsOf(query.from), query.windowSeconds);
  const end = windowNumber(epochMsOf(query.to), query.windowSeconds);
  return Array.from(
    { length: Math.max(0, end - first) },
    (_, i) => filled.get(first + i) ?? emptyWindow(first + i, query.windowSeconds),
  );
};

export const emptyWindow = (number: number, windowSeconds: number): WindowRow => ({
  from: timestampOf(number * windowSeconds * 1_000),
  baseline: emptyArmWindow,
  candidate: emptyArmWindow,
  probes: { sent: 0, failed: 0, confirmed: [] },
});
