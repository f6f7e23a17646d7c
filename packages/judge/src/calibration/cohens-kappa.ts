import { type ConfidenceInterval, normal } from "@sluice/statistics";

/** Counts by [first rater][second rater]; square. */
export type AgreementTable = ReadonlyArray<ReadonlyArray<number>>;

export interface Kappa {
  /** 1: always the same; 0: no more than by chance. */
  readonly value: number;
  readonly standardError: number;
  readonly interval: ConfidenceInterval;
}

/**
 * Cohen's κ = (p_o − p_e)/(1 − p_e) with its large-sample interval, cut to [−1, 1]. Null without counts, or where chance
 * alone would always agree (both raters used one and the same class). Assumes independent cases. Source: Cohen 1960; standard
 * error of Fleiss, Cohen & Everitt 1969.
 */
export const cohensKappa = (table: AgreementTable, confidence = 0.95): Kappa | null => {
  const n = table.flat().reduce((sum, count) => sum + count, 0);
  const share = (i: number, j: number) => (table[i]?.[j] ?? 0) / n;
  const classes = table.map((_, i) => i);
  const rows = classes.map((i) => classes.reduce((sum, j) => sum + share(i, j), 0));
  const columns = classes.map((j) => classes.reduce((sum, i) => sum + share(i, j), 0));
  const observed = classes.reduce((sum, i) => sum + share(i, i), 0);
  const expected = classes.reduce((sum, i) => sum + (rows[i] ?? 0) * (columns[i] ?? 0), 0);
  if (n === 0 || expected >= 1) return null;

  const value = (observed - expected) / (1 - expected);
  let spread = 0;
  for (const i of classes)
    for (const j of classes) {
      const chance = (columns[i] ?? 0) + (rows[j] ?? 0);
      spread += share(i, j) * (i === j ? (1 - chance * (1 - value)) ** 2 : (1 - value) ** 2 * chance ** 2);
    }
  const variance = (spread - (value - expected * (1 - value)) ** 2) / (n * (1 - expected) ** 2);
  const standardError = Math.sqrt(Math.max(0, variance));
  const reach = normal.upperQuantile((1 - confidence) / 2) * standardError;
  return {
    value,
    standardError,
    interval: { low: Math.max(-1, value - reach), high: Math.min(1, value + reach), confidence },
  };
};
