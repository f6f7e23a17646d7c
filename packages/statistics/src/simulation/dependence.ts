import type { Proportion } from "../offline/two-proportions.ts";
import { drawBinomial, drawPoisson } from "../random/draws.ts";
import { type RandomSource, randomSource } from "../random/random-source.ts";
import { groupMeans } from "../sequential/group-means.ts";
import { type RateStratum, stratifiedRates } from "../sequential/stratified-rates.ts";
import { drawArm, plainKind } from "./arm.ts";
import { rampShares, simulateRollout } from "./rollout.ts";
import { noFault, steady } from "./world.ts";

/** One healthy rollout of 120 minutes under some dependence; true when it alarmed all the same. */
type HealthyRollout = (random: RandomSource, alpha: number) => boolean;

export type DependenceCase = { readonly name: string; readonly counted: string; readonly run: HealthyRollout };

const PER_MINUTE = 1_000;
const ERROR_RATE = 0.01;

const watchRates =
  (begin: (random: RandomSource) => (share: number, minute: number) => RateStratum, designEffect = 1): HealthyRollout =>
  (random, alpha) => {
    const next = begin(random);
    let state = stratifiedRates.initial({ designEffect });
    for (const [minute, share] of rampShares.entries()) {
      state = stratifiedRates.update(state, next(share, minute));
      if (state.peakLogE >= -Math.log(alpha)) return true;
    }
    return false;
  };

const split = (random: RandomSource, n: number, share: number): readonly [number, number] => {
  const candidate = drawBinomial(random, n, share);
  return [n - candidate, candidate];
};
const proportion = (random: RandomSource, n: number, rate: number): Proportion => ({
  n,
  events: drawBinomial(random, n, rate),
});

// Conversations of 1 + 4 requests on average (geometric) and, of the variance of an error, 26 % between conversations
// (0.03·0.3² − 0.01² over 0.01·0.99): 1 + 0.26·8 requests' worth of variance in each.
const SESSION_DESIGN_EFFECT = 3.1;
const sessions = (unit: "byRequest" | "byConversation", designEffect = 1): HealthyRollout =>
  watchRates((random) => {
    const plan = { traffic: "clustered", requestsPerMinute: PER_MINUTE, shares: rampShares, fault: noFault } as const;
    const next = simulateRollout(random, plan);
    return () => {
      const { baseline, candidate } = next(null)[unit];
      return {
        baseline: { n: baseline.n, events: baseline.events.errors },
        candidate: { n: candidate.n, events: candidate.events.errors },
      };
    };
  }, designEffect);

// A failed request is tried again up to three times, and fails again with probability 0.8: one cause, up to four failures.
const RETRIES = 3;
const RETRY_FAILS = 0.8;
const retries = (countRetries: boolean): HealthyRollout =>
  watchRates((random) => {
    const arm = (n: number): Proportion => {
      const first = proportion(random, n, ERROR_RATE);
      if (!countRetries) return first;
      let total = first;
      let failing = first.events;
      for (let i = 0; i < RETRIES; i++) {
        const again = drawBinomial(random, failing, RETRY_FAILS);
        total = { n: total.n + failing, events: total.events + again };
        failing = again;
      }
      return total;
    };
    return (share) => {
      const [b, c] = split(random, PER_MINUTE, share);
      return { baseline: arm(b), candidate: arm(c) };
    };
  });

// Five outages of three minutes at random times.
const outageMinutes = (random: RandomSource): ReadonlySet<number> =>
  new Set(
    Array.from({ length: 5 }, () => Math.floor(random() * rampShares.length)).flatMap((at) => [at, at + 1, at + 2]),
  );

const outageOfBoth = watchRates((random) => {
  const outages = outageMinutes(random);
  return (share, minute) => {
    const rate = outages.has(minute) ? 0.4 : ERROR_RATE;
    const [b, c] = split(random, PER_MINUTE, share);
    return { baseline: proportion(random, b, rate), candidate: proportion(random, c, rate) };
  };
});

const REGION_SHARE = 0.3;
/** `even`: arms drawn in every region alike; else the candidate runs in the failing region only. */
const outageOfRegion = (even: boolean): HealthyRollout =>
  watchRates((random) => {
    const outages = outageMinutes(random);
    return (share, minute) => {
      const rate = outages.has(minute) ? 0.4 : ERROR_RATE;
      const [b, c] = split(random, PER_MINUTE, even ? share : Math.min(share, REGION_SHARE));
      const within = (n: number, part: number): Proportion => {
        const inside = drawBinomial(random, n, part);
        return {
          n,
          events: drawBinomial(random, inside, rate) + drawBinomial(random, n - inside, ERROR_RATE),
        };
      };
      return { baseline: within(b, REGION_SHARE), candidate: within(c, even ? REGION_SHARE : 1) };
    };
  });

const LATE = 0.3;
/** Of the failures of the named arms, 30 % arrive after the window was closed, and are dropped. */
const lateRows = (baselineLate: boolean, candidateLate: boolean): HealthyRollout =>
  watchRates((random) => {
    const arm = (n: number, late: boolean): Proportion => {
      const { events } = proportion(random, n, ERROR_RATE);
      const lost = late ? drawBinomial(random, events, LATE) : 0;
      return { n: n - lost, events: events - lost };
    };
    return (share) => {
      const [b, c] = split(random, PER_MINUTE, share);
      return { baseline: arm(b, baselineLate), candidate: arm(c, candidateLate) };
    };
  });

// 2,000 users come back all day, a quarter of them in any minute; one in twenty fails in a fifth of their conversations.
// Users stay on their arm: the candidate has those whose position lies below the share.
const USERS = 2_000;
const FAULTY_USERS = 100;
const VISITS = 0.25;
const userArm = (random: RandomSource, faulty: number, sound: number): Proportion => ({
  n: faulty + sound,
  events: drawBinomial(random, faulty, 0.2) + drawBinomial(random, sound, 0.0005),
});

const returningUsers = watchRates((random) => {
  const positions = Float64Array.from({ length: USERS }, random);
  const below = (from: number, to: number, share: number): number =>
    positions.subarray(from, to).reduce((count, at) => count + (at < share ? 1 : 0), 0);
  return (share) => {
    const faulty = below(0, FAULTY_USERS, share);
    const sound = below(FAULTY_USERS, USERS, share);
    const visits = (users: number): number => drawBinomial(random, users, VISITS);
    return {
      baseline: userArm(random, visits(FAULTY_USERS - faulty), visits(USERS - FAULTY_USERS - sound)),
      candidate: userArm(random, visits(faulty), visits(sound)),
    };
  };
});

/** The same users, each counted in the minute of the first visit only; they come within the first hour or so. */
const usersOnce = watchRates((random) => {
  let faulty = FAULTY_USERS;
  let sound = USERS - FAULTY_USERS;
  return (share) => {
    const newFaulty = drawBinomial(random, faulty, 0.03);
    const newSound = drawBinomial(random, sound, 0.03);
    faulty -= newFaulty;
    sound -= newSound;
    const [faultyB, faultyC] = split(random, newFaulty, share);
    const [soundB, soundC] = split(random, newSound, share);
    return { baseline: userArm(random, faultyB, soundB), candidate: userArm(random, faultyC, soundC) };
  };
});

/** The judge grows stricter over the rollout; `lagMinutes` late for the candidate, its scores lie that much further down. */
const driftingJudge =
  (lagMinutes: number): HealthyRollout =>
  (random, alpha) => {
    let state = groupMeans.initial();
    for (const [minute, share] of rampShares.entries()) {
      const strictness = (at: number) => ({ ...steady, scoreShift: 0.3 * Math.min(1, at / rampShares.length) });
      const [b, c] = split(random, drawPoisson(random, PER_MINUTE / 10), share);
      state = groupMeans.update(state, {
        baseline: drawArm(random, 0, b, plainKind, strictness(minute), noFault, null).scores,
        candidate: drawArm(random, 0, c, plainKind, strictness(minute + lagMinutes), noFault, null).scores,
      });
      if (state.peakLogE >= -Math.log(alpha)) return true;
    }
    return false;
  };

export const dependenceCases: ReadonlyArray<DependenceCase> = [
  { name: "conversations with shared faults", counted: "requests", run: sessions("byRequest") },
  { name: "conversations with shared faults", counted: "conversations, once", run: sessions("byConversation") },
  {
    name: "conversations with shared faults",
    counted: `requests, design effect ${SESSION_DESIGN_EFFECT}`,
    run: sessions("byRequest", SESSION_DESIGN_EFFECT),
  },
  { name: "retries of failed requests", counted: "attempts", run: retries(true) },
  { name: "retries of failed requests", counted: "first attempts", run: retries(false) },
  { name: "returning users, sticky by user", counted: "conversations", run: returningUsers },
  { name: "returning users, sticky by user", counted: "users, once", run: usersOnce },
  { name: "outages that hit both arms", counted: "conversations", run: outageOfBoth },
  { name: "outages of one region, arms drawn in every region", counted: "conversations", run: outageOfRegion(true) },
  { name: "outages of one region, candidate runs only there", counted: "conversations", run: outageOfRegion(false) },
  { name: "30 % of failures arrive late, both arms", counted: "conversations", run: lateRows(true, true) },
  { name: "30 % of failures arrive late, baseline only", counted: "conversations", run: lateRows(true, false) },
  { name: "judge drifts, both arms judged in their minute", counted: "scores", run: driftingJudge(0) },
  { name: "judge drifts, candidate judged 30 minutes late", counted: "scores", run: driftingJudge(30) },
];

/** Share of healthy rollouts that alarm, for one case. */
export const falseAlarmsUnder = (
  { run }: DependenceCase,
  options: { readonly rollouts: number; readonly alpha: number; readonly seed: number },
): number => {
  let alarms = 0;
  for (let i = 0; i < options.rollouts; i++) {
    if (run(randomSource(options.seed * 1_000_003 + i), options.alpha)) alarms++;
  }
  return alarms / options.rollouts;
};
