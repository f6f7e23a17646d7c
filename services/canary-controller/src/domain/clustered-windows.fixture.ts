import { type ArmWindow, type CanaryWindow, latencyBinOf, type Policy, timestampOf } from "@sluice/contracts";
import type { RandomSource } from "@sluice/statistics";
import { type Behaviour, gaussian, healthy, poisson } from "./simulated-windows.fixture.ts";

/** What the requests of one conversation share, by rank among all conversations: most trouble sits in a few. */
const kinds: ReadonlyArray<{ readonly upTo: number; readonly behaviour: Behaviour }> = [
  { upTo: 0.04, behaviour: { ...healthy, errorRate: 0.5 } },
  { upTo: 0.1, behaviour: { ...healthy, refusalRate: 0.6 } },
  { upTo: 0.2, behaviour: { ...healthy, medianMs: 2_400 } },
  { upTo: 0.28, behaviour: { ...healthy, quality: 0.2 } },
  { upTo: 1, behaviour: { ...healthy, errorRate: 0.002, refusalRate: 0.01 } },
];
/** A conversation goes on with this probability after each window: five requests on average, one a window. */
const STAYS = 0.8;
const JUDGED_SHARE = 0.2;

interface Conversation {
  readonly behaviour: Behaviour;
  /** On the candidate at shares above this: ramping only adds. */
  readonly bucket: number;
  /** Steps and arms that have counted it, and those that have counted a score of it. */
  readonly counted: Set<string>;
}

const begin = (random: RandomSource): Conversation => {
  const rank = random();
  const kind = kinds.find(({ upTo }) => rank < upTo);
  return { behaviour: kind?.behaviour ?? healthy, bucket: random(), counted: new Set() };
};

class Counts {
  n = 0;
  errors = 0;
  refusals = 0;
  scores = 0;
  good = 0;
  readonly bins = new Map<number, number>();

  add(request: Request): void {
    this.n += 1;
    if (request.failed) {
      this.errors += 1;
      return;
    }
    if (request.refused) this.refusals += 1;
    this.bins.set(request.bin, (this.bins.get(request.bin) ?? 0) + 1);
  }
  judge(good: boolean): void {
    this.scores += 1;
    if (good) this.good += 1;
  }
  get units() {
    const { n, errors, refusals } = this;
    const latencyBins = [...this.bins].sort(([a], [b]) => a - b);
    return { n, errors, answered: n - errors, refusals, latencyBins };
  }
}

interface Request {
  readonly failed: boolean;
  readonly refused: boolean;
  readonly bin: number;
  readonly good: boolean | null;
}

const ask = (random: RandomSource, { errorRate, refusalRate, medianMs, quality }: Behaviour): Request => {
  const failed = random() < errorRate;
  return {
    failed,
    refused: random() < refusalRate,
    bin: latencyBinOf(medianMs * Math.exp(0.6 * gaussian(random))),
    good: !failed && random() < JUDGED_SHARE ? random() < quality : null,
  };
};

/** The same rollout twice: as conversations are counted, and as if every request were one of its own. */
export interface ClusteredRelease {
  readonly byConversation: ReadonlyArray<CanaryWindow>;
  readonly byRequest: ReadonlyArray<CanaryWindow>;
}

/** A rollout of conversations with shared faults. Both arms behave the same: whatever alarms is a false alarm. */
export const clusteredRelease = (
  random: RandomSource,
  { steps, windowSeconds }: Policy["canary"],
  requestsPerWindow: number,
  windowsPerStep: number,
): ClusteredRelease => {
  let active = Array.from({ length: poisson(random, requestsPerWindow * STAYS) }, () => begin(random));
  const byConversation: Array<CanaryWindow> = [];
  const byRequest: Array<CanaryWindow> = [];
  for (let i = 0; i < steps.length * windowsPerStep; i++) {
    const step = Math.floor(i / windowsPerStep);
    const share = steps[step]?.share ?? 1;
    active = active.filter(() => random() < STAYS);
    const begun = poisson(random, requestsPerWindow * (1 - STAYS));
    for (let k = 0; k < begun; k++) active.push(begin(random));
    const arms = { baseline: [new Counts(), new Counts()], candidate: [new Counts(), new Counts()] } as const;
    for (const conversation of active) {
      const arm = conversation.bucket < share ? "candidate" : "baseline";
      const [all, units] = arms[arm];
      const request = ask(random, conversation.behaviour);
      all.add(request);
      if (isFirst(conversation, `${step}/${arm}`)) units.add(request);
      if (request.good === null) continue;
      all.judge(request.good);
      if (isFirst(conversation, `${step}/${arm}/score`)) units.judge(request.good);
    }
    const from = timestampOf(Date.UTC(2026, 0, 1, 12) + i * windowSeconds * 1_000);
    const window = { from, step, share, probes: { sent: 0, failed: 0, confirmed: [] } };
    const { baseline, candidate } = arms;
    byConversation.push({ ...window, baseline: countedOnce(...baseline), candidate: countedOnce(...candidate) });
    byRequest.push({ ...window, baseline: armOf(baseline[0]), candidate: armOf(candidate[0]) });
  }
  return { byConversation, byRequest };
};

const isFirst = ({ counted }: Conversation, key: string): boolean => !counted.has(key) && counted.add(key).size > 0;

const armOf = (counts: Counts): ArmWindow => {
  const { n, ...totals } = counts.units;
  const quality = { n: counts.scores, sum: counts.good, sumSquares: counts.good };
  return { requests: n, conversations: 0, ...totals, quality, wrongDigest: 0 };
};

const countedOnce = (all: Counts, once: Counts): ArmWindow => ({
  ...armOf(all),
  conversations: once.n,
  quality: armOf(once).quality,
  units: once.units,
});
