import type {
  ArmWindow,
  JudgementEvent,
  Observation,
  ObservationsRecorded,
  ShadowPairRecorded,
} from "@sluice/contracts";
import { timestampOf } from "@sluice/contracts";
import { pairSide } from "@sluice/contracts/testing/pair-side";
import type { WindowQuery } from "../telemetry-store.ts";
import { emptyArmWindow } from "../windows.ts";

export const digest = (character: string) => `sha256:${character.repeat(64)}`;
// An hour of today, because ClickHouse forgets old observations on its own.
export const START = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 7_200_000;
export const at = (seconds: number) => timestampOf(START + seconds * 1_000);

let sequence = 0;
export const observation = (seconds: number, changes: Partial<Observation> = {}): Observation => ({
  observationId: `o-${++sequence}`,
  application: "support-bot",
  releaseId: "rel-1",
  arm: "baseline",
  role: "user",
  assignedBundle: digest("a"),
  servedBundle: digest("a"),
  clusterKey: `c-${sequence}`,
  gatewayId: "gw-1",
  startedAt: at(seconds - 0.5),
  endedAt: at(seconds),
  streamed: false,
  status: 200,
  errorClass: null,
  latencyMs: 500.25,
  timeToFirstTokenMs: null,
  inputTokens: 10,
  outputTokens: null,
  finishReason: "stop",
  refused: false,
  ...changes,
});

export const batchOf = (
  observations: ReadonlyArray<Observation>,
  through = at(600),
  gatewayId = "gw-1",
): ObservationsRecorded => ({
  _tag: "ObservationsRecorded",
  batchId: `${gatewayId}-${through}`,
  gatewayId,
  application: "support-bot",
  through,
  observations,
});

const judged = {
  application: "support-bot",
  releaseId: "rel-1",
  judge: digest("d"),
  error: null,
};
export const response = (
  id: string,
  seconds: number,
  score: number | null,
  arm: "baseline" | "candidate",
  clusterKey?: string,
): JudgementEvent => ({
  ...judged,
  _tag: "ResponseJudged",
  judgementId: id,
  at: at(seconds + 30),
  observationId: `of-${id}`,
  arm,
  endedAt: at(seconds),
  score,
  error: score === null ? "timeout" : null,
  ...(clusterKey !== undefined && { clusterKey }),
});
export const probe = (id: string, seconds: number, passed: boolean | null, confirmed = false): JudgementEvent => ({
  ...judged,
  _tag: "SafetyProbeJudged",
  judgementId: id,
  at: at(seconds),
  probeId: `p-${id}`,
  caseId: `case-${id}`,
  passed,
  confirmed,
});

export const pair = (id: string, seconds: number, changes: Partial<ShadowPairRecorded> = {}): ShadowPairRecorded => ({
  _tag: "ShadowPairRecorded",
  pairId: id,
  gatewayId: "gw-1",
  application: "support-bot",
  releaseId: "rel-1",
  at: at(seconds),
  clusterKey: `c-${id}`,
  input: `question ${id}`,
  baseline: pairSide({ output: `old ${id}`, latencyMs: 500.25 }),
  candidate: pairSide({ bundle: digest("b"), output: `new ${id}`, latencyMs: 1_000.5 }),
  ...changes,
});
export const pairJudged = (
  id: string,
  baselineScore: number | null,
  candidateScore: number | null,
): JudgementEvent => ({
  ...judged,
  _tag: "PairJudged",
  judgementId: `judgement-${id}`,
  at: at(60),
  pairId: id,
  clusterKey: `c-${id}`,
  candidateFailed: false,
  baselineScore,
  candidateScore,
  error: baselineScore === null ? "no answer" : null,
});

export const query = (changes: Partial<WindowQuery> = {}): WindowQuery => ({
  application: "support-bot",
  releaseId: "rel-1",
  from: at(0),
  to: at(180),
  windowSeconds: 60,
  unitsSince: at(0),
  conversationsSince: at(0),
  ...changes,
});
export const arm = (changes: Partial<ArmWindow>): ArmWindow => ({ ...emptyArmWindow, ...changes });
