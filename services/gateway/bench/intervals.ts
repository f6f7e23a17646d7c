import { randomSource } from "@sluice/statistics/random/random-source";
import { type Figure, quantile } from "./table.ts";

/** Samples by round. */
type Rounds = ReadonlyArray<ReadonlyArray<number>>;

const REPLICATES = 1_000;

/**
 * How much larger a quantile of `one` is than that of `other`, both from the pooled samples of all rounds. The interval is a
 * bootstrap (percentile) over whole rounds, both sides of a round drawn together: what disturbs a round disturbs all its
 * requests, so an interval made of single requests would be too narrow. Seeded.
 */
export const addedQuantile = (one: Rounds, other: Rounds, q: number): Figure => {
  const rounds = one.map((_, round) => round);
  const added = (drawn: ReadonlyArray<number>) => pooledQuantile(one, drawn, q) - pooledQuantile(other, drawn, q);
  const random = randomSource(1);
  const replicates = Array.from({ length: REPLICATES }, () =>
    added(rounds.map(() => Math.floor(random() * rounds.length))),
  );
  return { value: added(rounds), low: quantile(replicates, 0.025), high: quantile(replicates, 0.975) };
};

const pooledQuantile = (samples: Rounds, rounds: ReadonlyArray<number>, q: number): number => {
  const pooled = Float64Array.from(rounds.flatMap((round) => samples[round] ?? [])).sort();
  return pooled[Math.min(pooled.length - 1, Math.floor(q * pooled.length))] ?? Number.NaN;
};
