import { type Digest, digestOf, type JudgeCalibrationRecord, type JudgeReport, type Policy } from "@sluice/contracts";

/** What is known of a judge before it has judged a single pair; null where policy asks for nothing. */
export type JudgeTrust = Omit<JudgeReport, "orders"> | null;

/**
 * The canary's rules as they hold with this judge: one that may only report does not decide on the quality of live answers
 * either.
 */
export const canaryWith = (
  canary: Policy["canary"],
  report: Pick<JudgeReport, "reportOnly"> | null,
): Policy["canary"] => {
  if (!report?.reportOnly) return canary;
  const quality = { ...canary.metrics.quality, mode: "warn" } as const;
  return { ...canary, metrics: { ...canary.metrics, quality } };
};

/** What was found under the digest that policy names. */
export type FoundCalibration = JudgeCalibrationRecord | "none-named" | "not-stored" | "not-a-calibration";

/** Whether the policy's judge may decide. A calibration holds for the judge that it was made with, and from `minKappa` on. */
export const trustIn = ({ judge, judgeTrust }: Policy, found: FoundCalibration): JudgeTrust => {
  const { calibration, uncalibrated, minKappa } = judgeTrust;
  if (uncalibrated === "enforce" && calibration === null) return null;
  const reason = faultOf(digestOf(judge), minKappa, found);
  return {
    reportOnly: reason !== null && uncalibrated === "report-only",
    reason: reason ?? "its calibration holds",
    calibration:
      typeof found === "string" || calibration === null
        ? null
        : { artifact: calibration, n: found.n, agreement: found.agreement, kappa: found.kappa },
  };
};

const faultOf = (judge: Digest, minKappa: number, found: FoundCalibration): string | null => {
  switch (found) {
    case "none-named":
      return "nobody has compared it with people";
    case "not-stored":
      return "its calibration is not stored";
    case "not-a-calibration":
      return "what its calibration names is no calibration";
    default:
      if (found.judge !== judge) return "its calibration is another judge's";
      if (found.kappa === null) return `its calibration on ${found.n} pairs has no kappa`;
      return found.kappa.value < minKappa
        ? `its kappa ${found.kappa.value.toFixed(2)} on ${found.n} pairs is below ${minKappa}`
        : null;
  }
};

/** With what its answers have shown since; null where there is nothing to say. */
export const judgeReportOf = (trust: JudgeTrust, orders: JudgeReport["orders"]): JudgeReport | null => {
  if (trust) return { ...trust, orders };
  return orders && { reportOnly: false, reason: "policy asks for no calibration", calibration: null, orders };
};
