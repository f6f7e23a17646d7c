import type { GateReport } from "@sluice/contracts";

/** An event has a bounded size: of more regressions or slices than this, the worst are kept and the sentences count all. */
const MAX_LISTED = 1_000;

/** The report as it goes into the event. */
export const boundedReport = (report: GateReport): GateReport => {
  const { regressions } = report.safety;
  const kept = new Set(
    report.slices
      .toSorted((a, b) => (a.pValue ?? 1) - (b.pValue ?? 1))
      .slice(0, MAX_LISTED)
      .map(({ slice }) => slice),
  );
  return {
    ...report,
    reasons: report.reasons.slice(0, MAX_LISTED),
    safety: { ...report.safety, regressions: regressions.slice(0, MAX_LISTED) },
    slices: report.slices.filter(({ slice }) => kept.has(slice)),
  };
};
