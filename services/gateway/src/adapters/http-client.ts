import type { ServerResponse } from "node:http";
import type { Client } from "../application/client-port.ts";
import { errorBody, type OpenAiError } from "../domain/openai-error.ts";
import { atTurnEnd } from "./turn-end.ts";

/** Above this, copying costs more than a second write. */
const SMALL_BODY_BYTES = 32_768;

/** A user's HTTP response. */
export class HttpClient implements Client {
  readonly #response: ServerResponse;
  readonly #stallTimeoutMs: number;
  #stall: NodeJS.Timeout | null = null;
  #drained: () => void = () => {};

  constructor(response: ServerResponse, stallTimeoutMs: number) {
    this.#response = response;
    this.#stallTimeoutMs = stallTimeoutMs;
  }

  isGone(): boolean {
    return this.#response.destroyed || this.#response.socket?.destroyed === true;
  }

  answer(status: number, headers: ReadonlyArray<string>, body: Buffer): void {
    // A head that cannot be written must throw here, where an error can still be answered.
    this.#response.writeHead(status, [...headers, "content-length", String(body.length)]);
    atTurnEnd(() => {
      // As a string Node sends head and body in one write; Latin-1 keeps every byte as it is.
      if (body.length <= SMALL_BODY_BYTES) this.#response.end(body.toString("latin1"), "latin1");
      else this.#response.end(body);
    });
  }

  fail(error: OpenAiError, headers: ReadonlyArray<string>): void {
    const body = Buffer.from(errorBody(error));
    const retryAfter = error.retryAfterSeconds === undefined ? [] : ["retry-after", String(error.retryAfterSeconds)];
    this.answer(error.status, [...headers, ...retryAfter, "content-type", "application/json"], body);
  }

  startStream(status: number, headers: ReadonlyArray<string>): void {
    this.#response.writeHead(status, [...headers, "cache-control", "no-cache"]);
    this.#response.flushHeaders();
  }

  write(bytes: Buffer | string): boolean {
    if (this.isGone()) return true;
    const keepsUp = this.#response.write(bytes);
    // A client that reads nothing at all must not hold an upstream connection for ever.
    if (!keepsUp && this.#stall === null) {
      this.#stall = setTimeout(() => this.#response.destroy(), this.#stallTimeoutMs).unref();
      this.#response.once("drain", () => {
        this.#clearStall();
        this.#drained();
      });
    }
    return keepsUp;
  }

  endStream(): void {
    this.#response.end();
  }

  onGone(listener: () => void): void {
    this.#response.once("close", () => {
      this.#clearStall();
      listener();
    });
  }

  onDrain(listener: () => void): void {
    this.#drained = listener;
  }

  #clearStall(): void {
    if (this.#stall) clearTimeout(this.#stall);
    this.#stall = null;
  }
}
