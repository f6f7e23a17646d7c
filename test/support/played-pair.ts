import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { DistributedStack } from "./distributed-stack.ts";
import { PlayedApplication } from "./played-release.ts";
import { expectNeverAboveItsStep, expectNothingLost, expectNoUserFailed, type Outcome, outcomeOf } from "./promised.ts";

export interface PairOutcome {
  readonly completed: Outcome;
  readonly rolledBack: Outcome;
}

export interface Disturbance {
  /** Runs beside the two releases; `ended` tells that they are over. */
  readonly during?: (releases: {
    good: PlayedApplication;
    bad: PlayedApplication;
    ended: AbortSignal;
  }) => Promise<void>;
  /** Requests on a gateway that is killed fail with it: that is no fault of the control plane. */
  readonly gatewayDies?: boolean;
}

const BREAKING_STEP = 1;

/**
 * Two releases side by side: one whose candidate is as good as the baseline, and one whose candidate breaks down at the second
 * step. Checks the promises that need no comparison, and answers with what must be the same in every run.
 */
export const playPair = async (
  stack: DistributedStack,
  name: string,
  { during = async () => {}, gatewayDies = false }: Disturbance = {},
): Promise<PairOutcome> => {
  const model = `breaks-${name}`;
  stack.models[model] = { ...usualOf(stack) };
  const good = await PlayedApplication.register(stack, `good-${name}`);
  const bad = await PlayedApplication.register(stack, `bad-${name}`);
  await good.request("shop-2");
  await bad.request(model, { lastingStep: BREAKING_STEP });
  const ended = new AbortController();
  const disturbed = during({ good, bad, ended: ended.signal });
  const breaks = bad.until("CanaryStepStarted", BREAKING_STEP).then(() => {
    stack.models[model] = { ...usualOf(stack), errorRate: 0.9 };
  });
  await Promise.all([breaks, good.until("ReleaseCompleted"), bad.until("ReleaseRolledBack")]);
  ended.abort();
  await disturbed;
  for (const played of [good, bad]) {
    const users = await played.leave();
    if (!gatewayDies) expectNoUserFailed(users);
    const observations = await expectNothingLost(stack, played, users, { gatewayDied: gatewayDies });
    await expectNeverAboveItsStep(played, observations);
  }
  const outcome = async () => ({ completed: await outcomeOf(stack, good), rolledBack: await outcomeOf(stack, bad) });
  return settled(outcome);
};

/** People are told after a release has ended; the outcome is read until it stays as it is. */
const settled = async (read: () => Promise<PairOutcome>): Promise<PairOutcome> => {
  let last = await read();
  for (let unchanged = 0; unchanged < UNCHANGED_READS; ) {
    await delay(500);
    const next = await read();
    unchanged = isDeepStrictEqual(next, last) ? unchanged + 1 : 0;
    last = next;
  }
  return last;
};

const UNCHANGED_READS = 6;

const usualOf = (stack: DistributedStack) => {
  const usual = stack.models["shop-1"];
  if (!usual) throw new Error("the baseline's model has no behaviour");
  return usual;
};
