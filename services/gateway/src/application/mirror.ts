import { type PairSide, type Routing, type ShadowPairRecorded, timestampOf } from "@sluice/contracts";
import type { RedactionRule } from "@sluice/contracts/redaction";
import * as Result from "effect/Result";
import type { ToolCall } from "../domain/answer-facts.ts";
import type { Endpoint, JsonObject } from "../domain/endpoint.ts";
import { DEADLINE } from "../domain/error-class.ts";
import { MirrorBudget, type MirrorBudgetLimits } from "../domain/mirror-budget.ts";
import type { Outcome, RefusalDetector } from "../domain/outcome.ts";
import { payloadText } from "../domain/payload-text.ts";
import { costUsdOf } from "../domain/price.ts";
import { ProviderPauses } from "../domain/provider-pauses.ts";
import { render, servedDigestOf } from "../domain/render.ts";
import type { RoutingTable } from "../domain/routing-table.ts";
import { askingForUsage } from "../domain/stream-usage.ts";
import { toolDivergence } from "../domain/tool-divergence.ts";
import { requestHeaders } from "../domain/upstream-headers.ts";
import { nobody } from "./client-port.ts";
import { Exchange } from "./exchange.ts";
import { type Upstreams, unreachable } from "./upstream-port.ts";

type Candidate = NonNullable<Routing["candidate"]>;
type MirrorLimits = NonNullable<Candidate["mirror"]>;

/** A request that the baseline has answered, to be asked of the candidate as well. */
export interface MirrorJob {
  readonly application: string;
  readonly releaseId: string;
  readonly requestId: string;
  readonly clusterKey: string;
  readonly endpoint: Endpoint;
  readonly body: JsonObject;
  readonly bodyBytes: number;
  readonly input: string;
  readonly baseline: PairSide;
  readonly baselineCalls: ReadonlyArray<ToolCall>;
  /** Whether people may look at the pair's texts afterwards; the judge sees them in any case. */
  readonly textsKept: boolean;
}

/** Why a sampled request was not mirrored, or its pair was lost. */
export type DropReason = "queue-full" | "memory" | "rate" | "budget" | "rate-limited" | "stale" | "unrendered";

export interface MirrorSettings extends MirrorBudgetLimits {
  readonly gatewayId: string;
  readonly maxQueueBytes: number;
  readonly maxAnswerBytes: number;
  readonly redaction: ReadonlyArray<RedactionRule>;
  readonly looksLikeRefusal: RefusalDetector;
}

interface ApplicationQueue {
  readonly waiting: Array<MirrorJob>;
  readonly budget: MirrorBudget;
  running: number;
}

/**
 * Copies of production requests for a candidate in shadow: bounded in number, bytes, concurrency, rate and time, on
 * connections of their own, and only after the user has the answer. What does not fit is dropped and counted. Tools
 * are never executed here: a conversation's recorded tool results are part of the copied request.
 */
export class Mirror {
  readonly #settings: MirrorSettings;
  readonly #table: RoutingTable;
  readonly #upstreams: Upstreams;
  readonly #onPair: (pair: ShadowPairRecorded) => void;
  readonly #queues = new Map<string, ApplicationQueue>();
  readonly #dropped = new Map<DropReason, number>();
  readonly #pauses = new ProviderPauses();
  #queuedBytes = 0;

  constructor(
    settings: MirrorSettings,
    table: RoutingTable,
    upstreams: Upstreams,
    onPair: (pair: ShadowPairRecorded) => void,
  ) {
    this.#settings = settings;
    this.#table = table;
    this.#upstreams = upstreams;
    this.#onPair = onPair;
  }

  get droppedByReason(): ReadonlyMap<DropReason, number> {
    return this.#dropped;
  }

  get dropped(): number {
    return [...this.#dropped.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Jobs waiting and running. */
  get pending(): number {
    return [...this.#queues.values()].reduce((sum, queue) => sum + queue.waiting.length + queue.running, 0);
  }

  /** A user's request met the provider's rate limit: what room there is belongs to users. */
  rateLimited(provider: string, retryAfterMs: number | null): void {
    this.#pauses.rateLimited(provider, retryAfterMs, Date.now());
  }

  offer(limits: MirrorLimits, job: MirrorJob): void {
    const queue = this.#queueOf(job.application);
    if (queue.waiting.length >= limits.queueLimit) {
      this.#drop("queue-full");
      return;
    }
    if (this.#queuedBytes + job.bodyBytes > this.#settings.maxQueueBytes) {
      this.#drop("memory");
      return;
    }
    this.#queuedBytes += job.bodyBytes;
    // After the user's answer is on its way, and never in its call stack. Who comes to a queue finds it pumped already:
    // by the first of it, or whenever a call ends.
    if (queue.waiting.push(job) === 1) setImmediate(() => this.#pump(job.application));
  }

  #pump(application: string): void {
    const queue = this.#queueOf(application);
    const candidate = this.#table.get(application)?.routing.candidate;
    while (queue.waiting.length > 0 && queue.running < (candidate?.mirror?.concurrency ?? Number.POSITIVE_INFINITY)) {
      const job = queue.waiting.shift();
      if (!job) return;
      this.#queuedBytes -= job.bodyBytes;
      // A release that has ended, or left its shadow, meets no request any more.
      if (!candidate?.mirror || candidate.releaseId !== job.releaseId) this.#drop("stale");
      else if (this.#pauses.isPaused(candidate.bundle.model.provider, Date.now())) this.#drop("rate-limited");
      else {
        const forbidden = queue.budget.take(Date.now());
        if (forbidden) this.#drop(forbidden);
        else this.#run(queue, job, candidate, candidate.mirror);
      }
    }
  }

  #run(queue: ApplicationQueue, job: MirrorJob, candidate: Candidate, limits: MirrorLimits): void {
    const provider = this.#upstreams.get(candidate.bundle.model.provider) ?? unreachable;
    const asking = provider.streamUsage ? askingForUsage(job.endpoint, job.body) : null;
    const rendered = Result.getOrNull(
      render(candidate.bundle, job.endpoint, asking ?? job.body, provider.retrievalIndexField),
    );
    if (!rendered) {
      this.#drop("unrendered");
      return;
    }
    queue.running += 1;
    const price = provider.prices[candidate.bundle.model.model];
    const exchange = new Exchange(
      {
        endpoint: job.endpoint,
        upstreams: provider.of.shadow,
        connectionRetries: provider.connectionRetries,
        headers: requestHeaders({}, provider, rendered.retrievalIndex),
        body: rendered.body,
        ownHeaders: [],
        maxAnswerBytes: this.#settings.maxAnswerBytes,
        withholdsUsage: asking !== null,
        ownsKey: true,
        looksLikeRefusal: this.#settings.looksLikeRefusal,
        price,
        startedMs: performance.now(),
      },
      nobody,
      (outcome) => {
        clearTimeout(deadline);
        queue.running -= 1;
        const input = outcome.inputTokens ?? estimatedTokens(rendered.body);
        const output = outcome.outputTokens ?? estimatedTokens(outcome.text);
        queue.budget.spend(input + output, costUsdOf(price, input, output) ?? 0, Date.now());
        this.#settle(job, candidate, outcome);
        this.#pump(job.application);
      },
    );
    const deadline = setTimeout(() => exchange.giveUp({ phase: "head", code: DEADLINE }), limits.timeoutMs);
    deadline.unref();
    exchange.start();
  }

  /** A provider's rate limit and our own full queue are bounds of the shadow, and say nothing of the candidate. */
  #settle(job: MirrorJob, candidate: Candidate, outcome: Outcome): void {
    const { provider } = candidate.bundle.model;
    if (outcome.rateLimited) this.rateLimited(provider, outcome.rateLimited.retryAfterMs);
    else if (outcome.errorClass === null) this.#pauses.answered(provider, Date.now());
    if (outcome.errorClass === "rate-limited") this.#drop("rate-limited");
    else if (outcome.queueFull) this.#drop("queue-full");
    else this.#onPair(this.#pairOf(job, candidate, outcome));
  }

  #pairOf(job: MirrorJob, candidate: Candidate, outcome: Outcome): ShadowPairRecorded {
    return {
      _tag: "ShadowPairRecorded",
      pairId: `pair/${job.requestId}`,
      gatewayId: this.#settings.gatewayId,
      application: job.application,
      releaseId: job.releaseId,
      at: timestampOf(Date.now()),
      clusterKey: job.clusterKey,
      input: job.input,
      baseline: job.baseline,
      candidate: pairSideOf(outcome, servedDigestOf(candidate.bundle), this.#settings.redaction),
      // An error has no calls that could be compared.
      toolDivergence:
        outcome.errorClass === null ? toolDivergence(job.body, job.baselineCalls, outcome.toolCalls) : null,
      ...(!job.textsKept && { textsKept: false }),
    };
  }

  #drop(reason: DropReason): void {
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + 1);
  }

  #queueOf(application: string): ApplicationQueue {
    const known = this.#queues.get(application);
    if (known) return known;
    const queue = { waiting: [], running: 0, budget: new MirrorBudget(this.#settings) };
    this.#queues.set(application, queue);
    return queue;
  }
}

/** Four characters a token, where nobody has counted: a budget must hold for providers that do not say what they used. */
const estimatedTokens = (text: string): number => Math.ceil(text.length / 4);

export const pairSideOf = (
  outcome: Outcome,
  bundle: PairSide["bundle"],
  redaction: ReadonlyArray<RedactionRule>,
): PairSide => ({
  bundle,
  output: payloadText(outcome.text, redaction),
  // One by one, as in an observation: every mirrored request pays for it twice.
  status: outcome.status,
  errorClass: outcome.errorClass,
  latencyMs: outcome.latencyMs,
  timeToFirstTokenMs: outcome.timeToFirstTokenMs,
  inputTokens: outcome.inputTokens,
  outputTokens: outcome.outputTokens,
  finishReason: outcome.finishReason,
  refused: outcome.refused,
  costUsd: outcome.costUsd,
});
