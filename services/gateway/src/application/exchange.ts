import type { IncomingHttpHeaders } from "node:http";
import type { ErrorClass } from "@sluice/contracts";
import { type AnswerFacts, factsOfAnswer } from "../domain/answer-facts.ts";
import { type Endpoint, isJsonObject } from "../domain/endpoint.ts";
import {
  type CallFailure,
  errorClassOfFailure,
  errorClassOfStatus,
  errorOfClass,
  errorOfFailure,
  QUEUE_FULL,
} from "../domain/error-class.ts";
import { errorBody, type OpenAiError } from "../domain/openai-error.ts";
import { CLIENT_GONE_STATUS, type Outcome, type RefusalDetector, refusedOf, roundedMs } from "../domain/outcome.ts";
import { MAX_READ_LENGTH } from "../domain/payload-text.ts";
import { costUsdOf, type Price } from "../domain/price.ts";
import { retryAfterMsOf } from "../domain/provider-pauses.ts";
import { SseSplitter } from "../domain/sse-splitter.ts";
import { StreamFacts } from "../domain/stream-facts.ts";
import { withoutUsageEvent } from "../domain/stream-usage.ts";
import { answerHeaders } from "../domain/upstream-headers.ts";
import type { Client } from "./client-port.ts";
import type { AnswerHandler, Upstream, UpstreamCall } from "./upstream-port.ts";

/** A single event of a stream may carry an image. */
const MAX_EVENT_BYTES = 16 * 1_024 * 1_024;

/** Answers that say the address, not the request, is in trouble: another address of the same provider may do better. */
const FALLBACK_STATUSES = new Set([429, 500, 502, 503, 504, 529]);

export interface ExchangePlan {
  readonly endpoint: Endpoint;
  /** The provider's addresses, tried in order. */
  readonly upstreams: ReadonlyArray<Upstream>;
  readonly connectionRetries: number;
  readonly headers: Array<string>;
  readonly body: string;
  /** Response headers of ours, names and values in turn. */
  readonly ownHeaders: ReadonlyArray<string>;
  readonly maxAnswerBytes: number;
  /** We, and not the caller, asked for token counts at the end of the stream. */
  readonly withholdsUsage: boolean;
  /** Provider keys are ours: then a refused key is our trouble, and not the caller's. */
  readonly ownsKey: boolean;
  readonly looksLikeRefusal: RefusalDetector;
  /** Of the arm's model; undefined where nobody set one. */
  readonly price: Price | undefined;
  /** `performance.now()` when the request came. */
  readonly startedMs: number;
}

/**
 * One request to one arm: tries addresses until the first byte, then passes the answer on while reading it along.
 * Calls `onDone` once, with what is known at the end. Aborting a call reports its failure in the same call stack, so
 * that always comes after `#finish`.
 */
export class Exchange implements AnswerHandler {
  readonly #plan: ExchangePlan;
  readonly #client: Client;
  readonly #onDone: (outcome: Outcome) => void;
  #call: UpstreamCall | null = null;
  #attempt = 0;
  #done = false;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #chunks: Array<Buffer> = [];
  #bytes = 0;
  #splitter: SseSplitter | null = null;
  #streamFacts: StreamFacts | null = null;
  #firstTokenMs: number | null = null;
  #rateLimited: Outcome["rateLimited"] = null;
  #queueFull = false;

  constructor(plan: ExchangePlan, client: Client, onDone: (outcome: Outcome) => void) {
    this.#plan = plan;
    this.#client = client;
    this.#onDone = onDone;
  }

  start(): void {
    this.#client.onGone(() => this.#leave());
    this.#client.onDrain(() => this.#call?.resume());
    if (this.#client.isGone()) this.#leave();
    else this.#try();
  }

  /** Gives up from outside, such as at a mirrored call's deadline. */
  giveUp(failure: CallFailure): void {
    if (this.#done) return;
    this.#failWith(failure);
    this.#call?.abort();
  }

  wanted(): boolean {
    return !this.#done && !this.#client.isGone();
  }

  onHead(status: number, headers: IncomingHttpHeaders): void {
    if (this.#done) return;
    this.#status = status;
    this.#headers = headers;
    if (status === 429) this.#rateLimited = { retryAfterMs: retryAfterMsOf(headers["retry-after"], Date.now()) };
    const contentType = headers["content-type"] ?? "";
    if (status >= 300 || !contentType.startsWith("text/event-stream")) return;
    this.#splitter = new SseSplitter(MAX_EVENT_BYTES);
    this.#streamFacts = new StreamFacts(this.#plan.endpoint, MAX_READ_LENGTH);
    this.#client.startStream(status, answerHeaders(headers, this.#plan.ownHeaders));
  }

  onData(chunk: Buffer): boolean {
    if (this.#done) return true;
    if (this.#splitter) return this.#passOn(this.#splitter, chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > this.#plan.maxAnswerBytes) {
      this.#answerError("malformed");
      this.#call?.abort();
    } else this.#chunks.push(chunk);
    return true;
  }

  onEnd(): void {
    if (this.#done) return;
    if (this.#splitter) this.#endStream(this.#splitter);
    else this.#endAnswer();
  }

  onFailure(failure: CallFailure): void {
    if (this.#done) return;
    if (this.#client.isGone()) {
      this.#leave();
      return;
    }
    const mayRetry =
      (failure.phase === "connect" || failure.phase === "head") && errorClassOfFailure(failure) === "connection";
    const { connectionRetries, upstreams } = this.#plan;
    if (mayRetry && this.#attempt < Math.max(connectionRetries, upstreams.length - 1)) this.#again();
    else this.#failWith(failure);
  }

  #try(): void {
    const upstream = this.#plan.upstreams[Math.min(this.#attempt, this.#plan.upstreams.length - 1)];
    const { endpoint, headers, body } = this.#plan;
    if (upstream) this.#call = upstream.call({ path: `${upstream.basePath}/${endpoint}`, headers, body }, this);
    else this.#failWith({ phase: "connect", code: "" });
  }

  #again(): void {
    this.#attempt += 1;
    this.#chunks = [];
    this.#bytes = 0;
    this.#try();
  }

  #leave(): void {
    if (this.#done) return;
    this.#finish({ status: CLIENT_GONE_STATUS, errorClass: null, clientGone: true, facts: null });
    this.#call?.abort();
  }

  #passOn(splitter: SseSplitter, chunk: Buffer): boolean {
    const split = splitter.push(chunk);
    if (!split) {
      this.#breakStream("malformed");
      return true;
    }
    return split.whole === null || this.#passOnEvents(split.whole, split.data);
  }

  /** False when the client is behind. */
  #passOnEvents(bytes: Buffer, data: ReadonlyArray<string>): boolean {
    const facts = this.#streamFacts;
    let failed = false;
    for (const event of data) {
      const kind = facts?.accept(event);
      if (kind === "malformed") {
        this.#breakStream("malformed");
        return true;
      }
      if (kind === "error") failed = true;
    }
    if (this.#firstTokenMs === null && facts?.started) this.#firstTokenMs = this.#elapsedMs();
    const wanted = this.#plan.withholdsUsage ? withoutUsageEvent(bytes) : bytes;
    const keepsUp = wanted.length === 0 || this.#client.write(wanted);
    if (failed) {
      // The upstream has said itself what is wrong, in words the caller has now.
      this.#client.endStream();
      this.#finish({ status: this.#status, errorClass: "upstream-5xx", clientGone: false, facts: null });
      this.#call?.abort();
    }
    return keepsUp;
  }

  #endStream(splitter: SseSplitter): void {
    const { whole, data } = splitter.end();
    if (whole) this.#passOnEvents(whole, data);
    if (this.#done) return;
    if (!this.#streamFacts?.complete) {
      this.#breakStream("truncated");
      return;
    }
    this.#client.endStream();
    this.#finish({ status: this.#status, errorClass: null, clientGone: false, facts: this.#streamFacts.facts() });
  }

  /** The head is long gone, so the error travels as an event: OpenAI's clients raise it. */
  #breakStream(errorClass: ErrorClass): void {
    this.#client.write(`data: ${errorBody(errorOfClass(errorClass))}\n\n`);
    this.#client.endStream();
    this.#finish({ status: this.#status, errorClass, clientGone: false, facts: null });
    this.#call?.abort();
  }

  #endAnswer(): void {
    const body = this.#chunks.length === 1 && this.#chunks[0] ? this.#chunks[0] : Buffer.concat(this.#chunks);
    const answer = parsed(body);
    const errorClass = errorClassOfStatus(this.#status);
    if (errorClass !== null) {
      if (FALLBACK_STATUSES.has(this.#status) && this.#attempt < this.#plan.upstreams.length - 1) this.#again();
      else this.#passOnError(errorClass, answer, body);
      return;
    }
    const facts = this.#status < 300 ? factsOfAnswer(this.#plan.endpoint, answer) : null;
    if (!facts) {
      this.#answerError("malformed");
      return;
    }
    this.#client.answer(this.#status, answerHeaders(this.#headers, this.#plan.ownHeaders), body);
    this.#finish({ status: this.#status, errorClass: null, clientGone: false, facts });
  }

  /** An error in OpenAI's form goes to the caller as it is; anything else is put into that form. */
  #passOnError(errorClass: ErrorClass, answer: unknown, body: Buffer): void {
    const headers = answerHeaders(this.#headers, this.#plan.ownHeaders);
    const isOurKey = this.#plan.ownsKey && (this.#status === 401 || this.#status === 403);
    if (isOurKey) {
      // The caller's key is fine, and the provider's words may quote ours.
      this.#answerError(errorClass);
      return;
    }
    if (isJsonObject(answer) && isJsonObject(answer.error)) this.#client.answer(this.#status, headers, body);
    else this.#client.fail({ ...errorOfClass(errorClass), status: this.#status }, this.#retryAfter());
    this.#finish({ status: this.#status, errorClass, clientGone: false, facts: null });
  }

  #retryAfter(): ReadonlyArray<string> {
    const value = this.#headers["retry-after"];
    return value === undefined ? this.#plan.ownHeaders : [...this.#plan.ownHeaders, "retry-after", value];
  }

  #failWith(failure: CallFailure): void {
    const errorClass = errorClassOfFailure(failure);
    this.#queueFull = failure.code === QUEUE_FULL;
    if (this.#splitter) this.#breakStream(errorClass);
    else this.#answerError(errorClass, errorOfFailure(failure));
  }

  #answerError(errorClass: ErrorClass, error: OpenAiError = errorOfClass(errorClass)): void {
    this.#client.fail(error, this.#plan.ownHeaders);
    this.#finish({ status: error.status, errorClass, clientGone: false, facts: null });
  }

  #elapsedMs(): number {
    return roundedMs(performance.now() - this.#plan.startedMs);
  }

  #finish(end: Ending): void {
    if (this.#done) return;
    this.#done = true;
    const { facts } = end;
    const inputTokens = facts?.inputTokens ?? null;
    const outputTokens = facts?.outputTokens ?? null;
    this.#onDone({
      status: end.status,
      errorClass: end.errorClass,
      clientGone: end.clientGone,
      latencyMs: this.#elapsedMs(),
      timeToFirstTokenMs: this.#firstTokenMs,
      inputTokens,
      outputTokens,
      costUsd: costUsdOf(this.#plan.price, inputTokens, outputTokens),
      finishReason: facts?.finishReason ?? null,
      refused: facts ? refusedOf(facts, this.#plan.looksLikeRefusal) : null,
      rateLimited: this.#rateLimited,
      queueFull: this.#queueFull,
      text: facts?.text ?? "",
      toolCalls: facts?.toolCalls ?? NO_CALLS,
    });
  }
}

const NO_CALLS: Outcome["toolCalls"] = [];

interface Ending {
  readonly status: number;
  readonly errorClass: ErrorClass | null;
  readonly clientGone: boolean;
  readonly facts: AnswerFacts | null;
}

const parsed = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
};
