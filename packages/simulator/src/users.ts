import { setTimeout as delay } from "node:timers/promises";
import { Pool } from "undici";
import { chance } from "./chance.ts";
import { type Category, taskOf } from "./task.ts";

export interface UsersSettings {
  /** Such as `http://127.0.0.1:4401/v1`. */
  readonly gatewayUrl: string;
  readonly application: string;
  readonly requestsPerSecond: number;
  readonly seed: number;
  /** What they ask, and how often relative to each other. */
  readonly mix: Partial<Readonly<Record<Category, number>>>;
  /** Share of requests that ask for a stream. */
  readonly streamShare: number;
  readonly signal: AbortSignal;
  /** Counted into, for whoever wants to look while they go on; left out: a fresh one. */
  readonly tally?: RunningTally;
}

export interface UsersTally {
  readonly sent: number;
  /** Answers other than 2xx, and connections that failed: what the users felt. */
  readonly failed: number;
  readonly byArm: Readonly<Record<string, number>>;
  /** Failed requests by the arm that failed them; `none` where no arm was reached. */
  readonly failedByArm: Readonly<Record<string, number>>;
}

export interface RunningTally extends UsersTally {
  sent: number;
  failed: number;
  readonly byArm: Record<string, number>;
  readonly failedByArm: Record<string, number>;
}
export const freshTally = (): RunningTally => ({ sent: 0, failed: 0, byArm: {}, failedByArm: {} });

/** More requests than this under way means that the gateway is not keeping up: then users wait. */
const MAX_UNDER_WAY = 512;
/** Requests of one conversation, and how many conversations go on at a time: turns are seconds apart, as people's are. */
const TURNS = 3;
const CONVERSATIONS = 200;

const conversationOf = (number: number): number =>
  Math.floor(number / (TURNS * CONVERSATIONS)) * CONVERSATIONS + (number % CONVERSATIONS);

/** Users who talk to the gateway over HTTP until the signal: arrivals at random, three turns to a conversation. */
export const simulateUsers = async (settings: UsersSettings): Promise<UsersTally> => {
  const { gatewayUrl, requestsPerSecond, seed, signal, application, tally = freshTally() } = settings;
  const url = new URL(gatewayUrl);
  const pool = new Pool(url.origin, { connections: 64 });
  const underWay = new Set<Promise<void>>();
  let due = performance.now();
  for (let number = 0; !signal.aborted; number++) {
    // Arrivals of a Poisson process; a late timer sends what is overdue at once.
    due += (-Math.log(1 - chance("arrival", seed, application, number)) / requestsPerSecond) * 1_000;
    const waitMs = due - performance.now();
    if (waitMs > 1) await delay(waitMs, undefined, { signal }).catch(() => {});
    if (underWay.size >= MAX_UNDER_WAY) await Promise.race(underWay);
    if (signal.aborted) break;
    const asked: Promise<void> = ask(pool, url.pathname, settings, number, tally).finally(() => underWay.delete(asked));
    underWay.add(asked);
  }
  await Promise.all(underWay);
  await pool.close();
  return tally;
};

const ask = async (
  pool: Pool,
  path: string,
  settings: UsersSettings,
  number: number,
  tally: RunningTally,
): Promise<void> => {
  const { application, seed, mix, streamShare } = settings;
  tally.sent += 1;
  try {
    const response = await pool.request({
      method: "POST",
      path: `${path}/chat/completions`,
      headers: {
        "content-type": "application/json",
        "x-sluice-conversation": `${application}-${seed}-${conversationOf(number)}`,
      },
      body: JSON.stringify({
        model: application,
        messages: [{ role: "user", content: taskOf(choose(mix, chance("mix", seed, number)), number).text }],
        ...(chance("stream", seed, number) < streamShare && { stream: true }),
      }),
    });
    await response.body.text();
    const arm = String(response.headers["x-sluice-arm"] ?? "none");
    tally.byArm[arm] = (tally.byArm[arm] ?? 0) + 1;
    if (response.statusCode >= 300) fail(tally, arm);
  } catch {
    fail(tally, "none");
  }
};

const fail = (tally: RunningTally, arm: string) => {
  tally.failed += 1;
  tally.failedByArm[arm] = (tally.failedByArm[arm] ?? 0) + 1;
};

const choose = (mix: UsersSettings["mix"], at: number): Category => {
  const entries = Object.entries(mix) as ReadonlyArray<[Category, number]>;
  const total = entries.reduce((sum, [, weight]) => sum + weight, 0);
  let left = at * total;
  for (const [category, weight] of entries) {
    left -= weight;
    if (left < 0) return category;
  }
  return entries.at(-1)?.[0] ?? "single-item";
};
