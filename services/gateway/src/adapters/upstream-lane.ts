import type { IncomingHttpHeaders } from "node:http";
import { type Dispatcher, Pool } from "undici";
import type { AnswerHandler, UpstreamCall, UpstreamRequest } from "../application/upstream-port.ts";
import { type CallPhase, QUEUE_FULL } from "../domain/error-class.ts";

export interface LaneLimits {
  readonly connections: number;
  readonly queueLimit: number;
  readonly connectTimeoutMs: number;
  readonly headTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

/**
 * The connections to one upstream for one purpose, with a bounded queue of its own in front: a request whose client
 * has left the queue costs nothing, and a full queue is said at once.
 */
export class UpstreamLane {
  readonly #pool: Pool;
  readonly #limits: LaneLimits;
  #running = 0;
  #waiting: Array<Call> = [];
  #head = 0;

  constructor(origin: string, limits: LaneLimits) {
    this.#limits = limits;
    this.#pool = new Pool(origin, {
      connections: limits.connections,
      pipelining: 1,
      allowH2: false,
      connectTimeout: limits.connectTimeoutMs,
      headersTimeout: limits.headTimeoutMs,
      bodyTimeout: limits.idleTimeoutMs,
      keepAliveTimeout: 30_000,
    });
  }

  /** Calls under way; those of clients that left included, until their connection is free again. */
  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting.length - this.#head;
  }

  call(request: UpstreamRequest, handler: AnswerHandler): UpstreamCall {
    const call = new Call(request, handler, this.#release);
    if (this.#running < this.#limits.connections) this.#start(call);
    else if (this.waiting < this.#limits.queueLimit) this.#waiting.push(call);
    else queueMicrotask(() => handler.onFailure({ phase: "queue", code: QUEUE_FULL }));
    return call;
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }

  #start(call: Call): void {
    this.#running += 1;
    call.start(this.#pool);
  }

  readonly #release = (): void => {
    this.#running -= 1;
    while (this.#running < this.#limits.connections) {
      const next = this.#next();
      if (!next) return;
      this.#start(next);
    }
  };

  /** The next one that somebody still waits for. */
  #next(): Call | undefined {
    while (this.#head < this.#waiting.length) {
      const call = this.#waiting[this.#head];
      this.#head += 1;
      // Cut the used part off now and then, so that taking the first stays cheap.
      if (this.#head > 1_024 || this.#head === this.#waiting.length) {
        this.#waiting = this.#waiting.slice(this.#head);
        this.#head = 0;
      }
      if (call?.isWanted) return call;
    }
    return undefined;
  }
}

class ClientGone extends Error {
  readonly code = "SLUICE_CLIENT_GONE";
}

class Call implements Dispatcher.DispatchHandler, UpstreamCall {
  readonly #request: UpstreamRequest;
  readonly #handler: AnswerHandler;
  readonly #release: () => void;
  #controller: Dispatcher.DispatchController | null = null;
  #phase: CallPhase = "queue";
  #aborted = false;
  #settled = false;

  constructor(request: UpstreamRequest, handler: AnswerHandler, release: () => void) {
    this.#request = request;
    this.#handler = handler;
    this.#release = release;
  }

  get isWanted(): boolean {
    return !this.#aborted && this.#handler.wanted();
  }

  start(pool: Pool): void {
    this.#phase = "connect";
    const { path, headers, body } = this.#request;
    pool.dispatch({ method: "POST", path, headers, body }, this);
  }

  abort(): void {
    if (this.#aborted || this.#settled) return;
    this.#aborted = true;
    this.#controller?.abort(new ClientGone());
  }

  resume(): void {
    if (!this.#settled) this.#controller?.resume();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    this.#phase = "head";
    // Written to nobody: without this check the connection would be held for an answer that cannot be delivered.
    if (!this.isWanted) controller.abort(new ClientGone());
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return;
    this.#phase = "body";
    this.#handler.onHead(status, headers);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.isWanted) controller.abort(new ClientGone());
    else if (!this.#handler.onData(chunk)) controller.pause();
  }

  onResponseEnd(): void {
    if (!this.#settle()) return;
    try {
      this.#handler.onEnd();
    } catch {
      // Whatever it was, somebody waits for an answer.
      this.#handler.onFailure({ phase: "body", code: "SLUICE_DEFECT" });
    }
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (!this.#settle()) return;
    this.#handler.onFailure({ phase: this.#phase, code: codeOf(error) });
  }

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#release();
    return true;
  }
}

const codeOf = (error: Error): string => ("code" in error && typeof error.code === "string" ? error.code : "");
