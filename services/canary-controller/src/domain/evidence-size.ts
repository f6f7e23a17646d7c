import type { ArmWindow, CanaryWindow } from "@sluice/contracts";

/** An event may have 4 MiB; windows may take this much of it. */
export const MAX_WINDOWS_BYTES = 2_500_000;

// As JSON: names and counts of both arms, and some digits for each latency bin.
const WINDOW_BYTES = 1_000;
const BIN_BYTES = 10;

/** An upper estimate of what windows take in an event, in bytes. */
export const bytesOfWindows = (windows: ReadonlyArray<CanaryWindow>): number =>
  windows.reduce(
    (sum, { baseline, candidate }) => sum + WINDOW_BYTES + BIN_BYTES * (binsOf(baseline) + binsOf(candidate)),
    0,
  );

const binsOf = ({ latencyBins, units }: ArmWindow): number => latencyBins.length + (units?.latencyBins.length ?? 0);
