import { upperZ } from "../distributions/normal.ts";
import { asymptoticHalfWidthOneSided } from "../sequential/asymptotic-interval.ts";
import { normalMixtureLogE, normalMixtureRho } from "../sequential/normal-mixture.ts";
import { obrienFlemingBoundary } from "../sequential/obrien-fleming.ts";
import { type ArmMinute, addArms, emptyArm } from "./minute.ts";
import type { Method } from "./watcher.ts";

/** A metric's pooled comparison so far: difference in the harmful direction, variance of one unit, and sizes. */
type Pooled = {
  readonly harm: number;
  readonly variance: number;
  readonly nBaseline: number;
  readonly nCandidate: number;
};

const METRICS = 5;

const pooledRate = (nB: number, xB: number, nC: number, xC: number): Pooled => {
  const rate = (xB + xC) / (nB + nC);
  return { harm: xC / nC - xB / nB, variance: rate * (1 - rate), nBaseline: nB, nCandidate: nC };
};

/** The five metrics of a pair of arms, pooled over all minutes so far, as the methods below see them. */
const pooledMetrics = (b: ArmMinute, c: ArmMinute): ReadonlyArray<Pooled> => {
  if (b.n === 0 || c.n === 0) return [];
  const rates = [
    pooledRate(b.n, b.events.errors, c.n, c.events.errors),
    pooledRate(b.n, b.events.refusals, c.n, c.events.refusals),
    pooledRate(b.n, b.events.flags, c.n, c.events.flags),
    pooledRate(b.n, b.over.p95, c.n, c.over.p95),
  ];
  const { scores: sb } = b;
  const { scores: sc } = c;
  if (sb.n > 1 && sc.n > 1) {
    const mean = (sb.sum + sc.sum) / (sb.n + sc.n);
    rates.push({
      harm: sb.sum / sb.n - sc.sum / sc.n,
      variance: (sb.sumSquares + sc.sumSquares) / (sb.n + sc.n) - mean * mean,
      nBaseline: sb.n,
      nCandidate: sc.n,
    });
  }
  return rates.filter(({ variance }) => variance > 0);
};

const sizeOf = ({ nBaseline, nCandidate }: Pooled): number => (nBaseline * nCandidate) / (nBaseline + nCandidate);
const zOf = (metric: Pooled): number => metric.harm * Math.sqrt(sizeOf(metric) / metric.variance);

const pooled = (name: string, decide: (metrics: ReadonlyArray<Pooled>, alpha: number) => boolean): Method => ({
  name,
  unit: "request",
  start: ({ alpha }) => {
    let baseline = emptyArm;
    let candidate = emptyArm;
    return {
      look: (minute) => {
        baseline = addArms(baseline, minute.baseline);
        candidate = addArms(candidate, minute.candidate);
        return decide(pooledMetrics(baseline, candidate), alpha);
      },
    };
  },
});

/** A fixed-n test repeated every minute: one-sided z at p < α per metric on all data so far. */
export const naivePeeking = pooled("naive peeking, p < α", (metrics, alpha) => {
  const z = upperZ(alpha);
  return metrics.some((metric) => zOf(metric) > z);
});

/** GrowthBook's sequential test: one-sided asymptotic confidence sequence, tuning 5,000, at α/5 per metric. */
export const growthbook = pooled("GrowthBook asymptotic CS", (metrics, alpha) =>
  metrics.some((metric) => {
    const n = metric.nBaseline + metric.nCandidate;
    // Their s² is n times the variance of the effect.
    const s2 = (n * metric.variance) / sizeOf(metric);
    return metric.harm > asymptoticHalfWidthOneSided(s2, n, 5_000, alpha / METRICS);
  }),
);

// Intrinsic time, in events, at which the mixture is sharpest.
const MSPRT_AT = 50;

/** Pooled mixture SPRT (Johari et al. 2017): normal mixture over the effect with the pooled variance plugged in, α/5 each. */
export const pooledMsprt = pooled("pooled mSPRT", (metrics, alpha) => {
  const rho = normalMixtureRho(MSPRT_AT, alpha / METRICS);
  return metrics.some((metric) => {
    const size = sizeOf(metric);
    const { twoSided } = normalMixtureLogE(size * metric.harm, size * metric.variance, rho);
    return metric.harm > 0 && twoSided >= Math.log(METRICS / alpha);
  });
});

/** O'Brien–Fleming on the pooled z with the plan's information as horizon, α/5 per metric. */
export const pooledObrienFleming: Method = {
  name: "O'Brien–Fleming, pooled",
  unit: "request",
  start: ({ alpha, shares, perMinute }) => {
    const boundary = obrienFlemingBoundary(alpha / METRICS);
    const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
    const planned = perMinute * shares.length * mean * (1 - mean);
    let baseline = emptyArm;
    let candidate = emptyArm;
    return {
      look: (minute) => {
        baseline = addArms(baseline, minute.baseline);
        candidate = addArms(candidate, minute.candidate);
        return pooledMetrics(baseline, candidate).some((metric, i) => {
          const horizon = i === METRICS - 1 ? planned / 10 : planned;
          const information = sizeOf(metric) / horizon;
          return information <= 1 && zOf(metric) * Math.sqrt(information) >= boundary;
        });
      },
    };
  },
};

// Limits of the kind teams write down: twice the usual error rate, and so on; five failed checks roll back (Flagger's
// `threshold: 5`; Argo's failureLimit works alike).
const LIMITS = { errors: 0.02, refusals: 0.05, flags: 0.01, overP95: 0.1, score: 0.78 };
const FAILED_CHECKS = 5;

/** Fixed thresholds on the candidate alone, checked every minute, as in Flagger and Argo Rollouts. */
export const fixedThresholds: Method = {
  name: "fixed thresholds (Flagger, Argo)",
  unit: "request",
  start: () => {
    const failed = [0, 0, 0, 0, 0];
    return {
      look: ({ candidate: c }) => {
        if (c.n === 0) return false;
        const checks = [
          c.events.errors / c.n > LIMITS.errors,
          c.events.refusals / c.n > LIMITS.refusals,
          c.events.flags / c.n > LIMITS.flags,
          c.over.p95 / c.n > LIMITS.overP95,
          c.scores.n > 0 && c.scores.sum / c.scores.n < LIMITS.score,
        ];
        checks.forEach((bad, i) => {
          if (bad) failed[i] = (failed[i] as number) + 1;
        });
        return failed.some((count) => count >= FAILED_CHECKS);
      },
    };
  },
};
