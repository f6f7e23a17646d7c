import { parentPort, workerData } from "node:worker_threads";
import type { ShadowPairRecorded } from "@sluice/contracts";
import { looksLikeRefusal } from "@sluice/judge/refusal";
import { Mirror, type Used } from "../application/mirror.ts";
import type { Candidate, MirrorJob } from "../application/shadow-port.ts";
import type { UpstreamLoad } from "../application/upstream-port.ts";
import type { MirrorBudgetLimits } from "../domain/mirror-budget.ts";
import type { DropReason } from "../domain/shadow-admission.ts";
import { type GatewaySettings, redactionOf } from "../settings.ts";
import { atTurnEnd } from "./turn-end.ts";
import { openUpstreams } from "./upstreams.ts";

/** No more of the settings than it needs: callers' keys are none of its business. */
export interface ShadowStart {
  readonly gatewayId: string;
  readonly settings: Pick<GatewaySettings, "providers" | "redaction" | "maxAnswerBytes">;
  readonly budget: MirrorBudgetLimits;
}

/** What the thread is told, as JSON text, which costs a quarter of a structured clone; in the order of the fields. */
export interface ToShadow {
  readonly candidates: Array<readonly [application: string, candidate: Candidate | null]>;
  readonly rateLimited: Array<readonly [provider: string, retryAfterMs: number | null]>;
  readonly jobs: Array<MirrorJob>;
}

/** What it tells, as JSON text. */
export interface FromShadow {
  readonly ended: ReadonlyArray<Ended>;
  readonly load: ReadonlyArray<UpstreamLoad>;
  readonly pausedUntilMs: ReadonlyArray<readonly [provider: string, untilMs: number]>;
}

/** A job's end: with a pair, or why it has none. */
export interface Ended extends Used {
  readonly application: string;
  readonly bytes: number;
  readonly end: ShadowPairRecorded | DropReason;
}

// Started by `ShadowThread` alone.
const { gatewayId, settings, budget }: ShadowStart = workerData;
const candidates = new Map<string, Candidate | null>();
const upstreams = openUpstreams(settings.providers, process.env, ["shadow"]);

const TELL_EVERY_MS = 1_000;

let ended: Array<Ended> = [];
let isToTell = false;

const tell = (): void => {
  isToTell = false;
  const told: FromShadow = { ended, load: upstreams.load(), pausedUntilMs: [...mirror.pausedUntilMs] };
  ended = [];
  parentPort?.postMessage(JSON.stringify(told));
};

/** All that a turn of the event loop brings is told in one message. */
const tellSoon = (): void => {
  if (!isToTell) atTurnEnd(tell);
  isToTell = true;
};

const mirror = new Mirror(
  { gatewayId, maxAnswerBytes: settings.maxAnswerBytes, budget, redaction: redactionOf(settings), looksLikeRefusal },
  {
    candidateOf: (application) => candidates.get(application) ?? null,
    upstreams,
    onEnd: ({ application, bytes }, end, { tokens, usd }) => {
      ended.push({ application, bytes, tokens, usd, end });
      tellSoon();
    },
  },
);

parentPort?.on("message", (text: string) => {
  const told: ToShadow = JSON.parse(text);
  for (const [application, candidate] of told.candidates) candidates.set(application, candidate);
  for (const [provider, retryAfterMs] of told.rateLimited) mirror.rateLimited(provider, retryAfterMs);
  for (const job of told.jobs) mirror.ask(job);
  tellSoon();
});

// A call that was given up holds its connection for a moment longer: the load falls when no job ends.
setInterval(tellSoon, TELL_EVERY_MS);
