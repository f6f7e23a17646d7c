import { type PairSide, type ShadowPairRecorded, timestampOf } from "@sluice/contracts";
import type { RedactionRule } from "@sluice/contracts/redaction";
import * as Result from "effect/Result";
import type { JsonObject } from "../domain/endpoint.ts";
import { DEADLINE } from "../domain/error-class.ts";
import { MirrorBudget, type MirrorBudgetLimits } from "../domain/mirror-budget.ts";
import type { Outcome, RefusalDetector } from "../domain/outcome.ts";
import { payloadText, requestText } from "../domain/payload-text.ts";
import { costUsdOf } from "../domain/price.ts";
import { ProviderPauses } from "../domain/provider-pauses.ts";
import { type Rendered, render, servedDigestOf } from "../domain/render.ts";
import type { DropReason } from "../domain/shadow-admission.ts";
import { askingForUsage } from "../domain/stream-usage.ts";
import { toolDivergence } from "../domain/tool-divergence.ts";
import { requestHeaders } from "../domain/upstream-headers.ts";
import { nobody } from "./client-port.ts";
import { Exchange } from "./exchange.ts";
import type { Candidate, MirrorJob, MirrorLimits } from "./shadow-port.ts";
import { type ProviderUpstreams, type Upstreams, unreachable } from "./upstream-port.ts";

export interface MirrorSettings {
  readonly gatewayId: string;
  readonly budget: MirrorBudgetLimits;
  readonly maxAnswerBytes: number;
  readonly redaction: ReadonlyArray<RedactionRule>;
  readonly looksLikeRefusal: RefusalDetector;
}

export interface MirrorParts {
  readonly candidateOf: (application: string) => Candidate | null;
  readonly upstreams: Upstreams;
  /** Each job ends once: with a pair, or why it has none. */
  readonly onEnd: (job: MirrorJob, end: ShadowPairRecorded | DropReason, used: Used) => void;
}

/** What a call has used of a shadow's budget. */
export interface Used {
  readonly tokens: number;
  readonly usd: number;
}

const NOTHING: Used = { tokens: 0, usd: 0 };

interface ApplicationQueue {
  readonly waiting: Array<MirrorJob>;
  /** Asked when a call starts: what waited may start all at once, or when an hour's bound has been reached. */
  readonly budget: MirrorBudget;
  running: number;
}

/**
 * Asks candidates in shadow what the baseline was asked, so many at once and so long as policy says, on connections of its
 * own. Tools are never executed here: a conversation's recorded tool results are part of the copied request.
 */
export class Mirror {
  readonly #settings: MirrorSettings;
  readonly #parts: MirrorParts;
  readonly #queues = new Map<string, ApplicationQueue>();
  readonly #pauses = new ProviderPauses();

  constructor(settings: MirrorSettings, parts: MirrorParts) {
    this.#settings = settings;
    this.#parts = parts;
  }

  get pausedUntilMs(): ReadonlyMap<string, number> {
    return this.#pauses.untilMs;
  }

  rateLimited(provider: string, retryAfterMs: number | null): void {
    this.#pauses.rateLimited(provider, retryAfterMs, Date.now());
  }

  ask(job: MirrorJob): void {
    const queue = this.#queueOf(job.application);
    queue.waiting.push(job);
    this.#pump(queue, job.application);
  }

  #pump(queue: ApplicationQueue, application: string): void {
    const candidate = this.#parts.candidateOf(application);
    while (queue.waiting.length > 0 && queue.running < (candidate?.mirror?.concurrency ?? Number.POSITIVE_INFINITY)) {
      const job = queue.waiting.shift();
      if (!job) return;
      // A release that has ended, or left its shadow, meets no request any more.
      if (!candidate?.mirror || candidate.releaseId !== job.releaseId) this.#parts.onEnd(job, "stale", NOTHING);
      else if (this.#pauses.isPaused(job.provider, Date.now())) this.#parts.onEnd(job, "rate-limited", NOTHING);
      else {
        const forbidden = queue.budget.take(Date.now());
        if (forbidden) this.#parts.onEnd(job, forbidden, NOTHING);
        else this.#run(queue, job, candidate, candidate.mirror);
      }
    }
  }

  #run(queue: ApplicationQueue, job: MirrorJob, candidate: Candidate, limits: MirrorLimits): void {
    const provider = this.#parts.upstreams.get(candidate.bundle.model.provider) ?? unreachable;
    const asking = provider.streamUsage ? askingForUsage(job.endpoint, job.body) : null;
    const rendered = renderedOf(candidate, job, asking, provider);
    if (!rendered) {
      this.#parts.onEnd(job, "unrendered", NOTHING);
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
        const used: Used = { tokens: input + output, usd: costUsdOf(price, input, output) ?? 0 };
        queue.budget.spend(used.tokens, used.usd, Date.now());
        this.#parts.onEnd(job, this.#endOf(job, candidate, outcome), used);
        this.#pump(queue, job.application);
      },
    );
    const deadline = setTimeout(() => exchange.giveUp({ phase: "head", code: DEADLINE }), limits.timeoutMs);
    deadline.unref();
    exchange.start();
  }

  /** A provider's rate limit and our own full queue are bounds of the shadow, and say nothing of the candidate. */
  #endOf(job: MirrorJob, candidate: Candidate, outcome: Outcome): ShadowPairRecorded | DropReason {
    if (outcome.rateLimited) this.rateLimited(job.provider, outcome.rateLimited.retryAfterMs);
    else if (outcome.errorClass === null) this.#pauses.answered(job.provider, Date.now());
    if (outcome.errorClass === "rate-limited") return "rate-limited";
    return outcome.queueFull ? "queue-full" : this.#pairOf(job, candidate, outcome);
  }

  #pairOf(job: MirrorJob, candidate: Candidate, outcome: Outcome): ShadowPairRecorded {
    const { gatewayId, redaction } = this.#settings;
    return {
      _tag: "ShadowPairRecorded",
      pairId: `pair/${job.requestId}`,
      gatewayId,
      application: job.application,
      releaseId: job.releaseId,
      at: timestampOf(Date.now()),
      clusterKey: job.clusterKey,
      input: payloadText(requestText(job.endpoint, job.body), redaction, "end"),
      baseline: pairSideOf(job.baseline, job.baselineBundle, redaction),
      candidate: pairSideOf(outcome, servedDigestOf(candidate.bundle), redaction),
      // An error has no calls that could be compared.
      toolDivergence:
        outcome.errorClass === null ? toolDivergence(job.body, job.baseline.toolCalls, outcome.toolCalls) : null,
      ...(!job.textsKept && { textsKept: false }),
    };
  }

  #queueOf(application: string): ApplicationQueue {
    const known = this.#queues.get(application);
    if (known) return known;
    const queue = { waiting: [], running: 0, budget: new MirrorBudget(this.#settings.budget) };
    this.#queues.set(application, queue);
    return queue;
  }
}

/** Null where it cannot be: one request that nobody thought of must not end the thread, and with it all others. */
const renderedOf = (
  { bundle }: Candidate,
  { endpoint, body }: MirrorJob,
  asking: JsonObject | null,
  { retrievalIndexField }: ProviderUpstreams,
): Rendered | null => {
  try {
    return Result.getOrNull(render(bundle, endpoint, asking ?? body, retrievalIndexField));
  } catch {
    return null;
  }
};

/** Four characters a token, where nobody has counted: a budget must hold for providers that do not say what they used. */
const estimatedTokens = (text: string): number => Math.ceil(text.length / 4);

const pairSideOf = (
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
