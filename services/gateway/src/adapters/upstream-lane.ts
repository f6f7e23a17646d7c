import type { IncomingHttpHeaders } from "node:http";
import { buildConnector, Client, type Dispatcher } from "undici";
import type { AnswerHandler, UpstreamCall, UpstreamRequest } from "../application/upstream-port.ts";
import { type CallPhase, QUEUE_FULL } from "../domain/error-class.ts";
import { atTurnEnd } from "./turn-end.ts";

export interface LaneLimits {
  readonly connections: number;
  readonly queueLimit: number;
  readonly connectTimeoutMs: number;
  readonly headTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

/**
 * The connections to one upstream for one purpose, with a bounded queue of its own in front: a request whose client
 * has left the queue costs nothing, and a full queue is said at once. One undici client is one connection; a pool
 * would look for a free one among all of them for each request, and queue a second time.
 */
export class UpstreamLane {
  readonly #origin: string;
  readonly #options: Client.Options;
  readonly #limits: LaneLimits;
  readonly #opened: Array<Client> = [];
  /** The last one that became free is used first, so that connections nobody needs can fall idle and close. */
  readonly #free: Array<Client> = [];
  #running = 0;
  #waiting: Array<Call> = [];
  #head = 0;

  constructor(origin: string, limits: LaneLimits) {
    this.#origin = origin;
    this.#limits = limits;
    this.#options = {
      // Shared, so that connections resume each other's TLS sessions.
      connect: buildConnector({ timeout: limits.connectTimeoutMs, allowH2: false }),
      pipelining: 1,
      headersTimeout: limits.headTimeoutMs,
      bodyTimeout: limits.idleTimeoutMs,
      keepAliveTimeout: 30_000,
    };
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
    const connection = this.#take();
    if (connection) this.#start(call, connection);
    else if (this.waiting < this.#limits.queueLimit) this.#waiting.push(call);
    else queueMicrotask(() => handler.onFailure({ phase: "queue", code: QUEUE_FULL }));
    return call;
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map((connection) => connection.destroy()));
  }

  #take(): Client | undefined {
    const free = this.#free.pop();
    if (free || this.#opened.length >= this.#limits.connections) return free;
    const opened = new Client(this.#origin, this.#options);
    this.#opened.push(opened);
    return opened;
  }

  #start(call: Call, connection: Client): void {
    this.#running += 1;
    // Nor could it start in the call in which undici tells of a failure: it still cleans up after that one then.
    atTurnEnd(() => call.start(connection));
  }

  readonly #release = (connection: Client): void => {
    this.#running -= 1;
    const next = this.#next();
    if (next) this.#start(next, connection);
    else this.#free.push(connection);
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
  readonly #release: (connection: Client) => void;
  #connection: Client | null = null;
  #controller: Dispatcher.DispatchController | null = null;
  #phase: CallPhase = "queue";
  #aborted = false;
  #settled = false;

  constructor(request: UpstreamRequest, handler: AnswerHandler, release: (connection: Client) => void) {
    this.#request = request;
    this.#handler = handler;
    this.#release = release;
  }

  get isWanted(): boolean {
    return !this.#aborted && this.#handler.wanted();
  }

  start(connection: Client): void {
    this.#phase = "connect";
    this.#connection = connection;
    const { path, headers, body } = this.#request;
    connection.dispatch({ method: "POST", path, headers, body }, this);
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
    if (this.#connection === null) return true;
    this.#release(this.#connection);
    return true;
  }
}

const codeOf = (error: Error): string => ("code" in error && typeof error.code === "string" ? error.code : "");
