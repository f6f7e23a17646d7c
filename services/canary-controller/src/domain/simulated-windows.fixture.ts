import { type ArmWindow, type CanaryWindow, latencyBinOf, type Policy, timestampOf } from "@sluice/contracts";
import { stepShare } from "@sluice/release";
import type { RandomSource } from "@sluice/statistics";

/** One arm's behaviour in a simulated window. Latency is log-normal with the given median; scores are 0 or 1. */
export interface Behaviour {
  readonly errorRate: number;
  readonly refusalRate: number;
  readonly medianMs: number;
  readonly quality: number;
}

export const healthy: Behaviour = { errorRate: 0.02, refusalRate: 0.04, medianMs: 800, quality: 0.9 };

export interface Traffic {
  readonly requestsPerWindow: number;
  readonly judgedShare: number;
}

const START = Date.UTC(2026, 0, 1, 12);

export const poisson = (random: RandomSource, mean: number): number => {
  // Normal above 50: a simulation of traffic needs no better.
  if (mean > 50) return Math.max(0, Math.round(mean + Math.sqrt(mean) * gaussian(random)));
  let product = random();
  let count = 0;
  while (product > Math.exp(-mean)) {
    product *= random();
    count += 1;
  }
  return count;
};

export const gaussian = (random: RandomSource): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

const arm = (random: RandomSource, requests: number, behaviour: Behaviour, judgedShare: number): ArmWindow => {
  const bins = new Map<number, number>();
  const counts = { errors: 0, refusals: 0, judged: 0, sum: 0 };
  for (let i = 0; i < requests; i++) {
    if (random() < behaviour.errorRate) {
      counts.errors += 1;
      continue;
    }
    if (random() < behaviour.refusalRate) counts.refusals += 1;
    const bin = latencyBinOf(behaviour.medianMs * Math.exp(0.6 * gaussian(random)));
    bins.set(bin, (bins.get(bin) ?? 0) + 1);
    if (random() >= judgedShare) continue;
    counts.judged += 1;
    if (random() < behaviour.quality) counts.sum += 1;
  }
  return {
    requests,
    conversations: requests,
    errors: counts.errors,
    answered: requests - counts.errors,
    refusals: counts.refusals,
    latencyBins: [...bins].sort(([a], [b]) => a - b),
    quality: { n: counts.judged, sum: counts.sum, sumSquares: counts.sum },
    wrongDigest: 0,
  };
};

/** One window; `drift` multiplies the error rate and latency of both arms, as an hour or an outage does. */
export const simulatedWindow = (
  random: RandomSource,
  index: number,
  step: number,
  policy: Policy["canary"],
  traffic: Traffic,
  behaviours: { readonly baseline: Behaviour; readonly candidate: Behaviour },
  drift = 1,
): CanaryWindow => {
  const share = stepShare(policy, step) ?? 1;
  const drifted = (behaviour: Behaviour): Behaviour => ({
    ...behaviour,
    errorRate: Math.min(1, behaviour.errorRate * drift),
    medianMs: behaviour.medianMs * drift,
  });
  const requests = (part: number) => (part > 0 ? poisson(random, traffic.requestsPerWindow * part) : 0);
  return {
    from: timestampOf(START + index * policy.windowSeconds * 1_000),
    step,
    share,
    baseline: arm(random, requests(1 - share), drifted(behaviours.baseline), traffic.judgedShare),
    candidate: arm(random, requests(share), drifted(behaviours.candidate), traffic.judgedShare),
    probes: { sent: 0, failed: 0, confirmed: [] },
  };
};
