import type { ServerResponse } from "node:http";
import type { Client } from "../application/client-port.ts";
import { errorBody, type OpenAiError } from "../domain/openai-error.ts";

/** A user's HTTP response. */
export class HttpClient implements Client {
  readonly #response: ServerResponse;
  readonly #stallTimeoutMs: number;
  #stall: NodeJS.Timeout | null = null;

  constructor(response: ServerResponse, stallTimeoutMs: number) {
    this.#response = response;
    this.#stallTimeoutMs = stallTimeoutMs;
  }

  readonly isGone = (): boolean => this.#response.destroyed || this.#response.socket?.destroyed === true;

  readonly answer = (status: number, headers: ReadonlyArray<string>, body: Buffer): void => {
    this.#response.writeHead(status, [...headers, "content-length", String(body.length)]);
    this.#response.end(body);
  };

  readonly fail = (error: OpenAiError, headers: ReadonlyArray<string>): void => {
    const body = Buffer.from(errorBody(error));
    const retryAfter = error.retryAfterSeconds === undefined ? [] : ["retry-after", String(error.retryAfterSeconds)];
    this.answer(error.status, [...headers, ...retryAfter, "content-type", "application/json"], body);
  };

  readonly startStream = (status: number, headers: ReadonlyArray<string>): void => {
    this.#response.writeHead(status, [...headers, "cache-control", "no-cache"]);
    this.#response.flushHeaders();
  };

  readonly write = (bytes: Buffer | string): boolean => {
    if (this.isGone()) return true;
    const keepsUp = this.#response.write(bytes);
    // A client that reads nothing at all must not hold an upstream connection for ever.
    if (!keepsUp) this.#stall ??= setTimeout(() => this.#response.destroy(), this.#stallTimeoutMs).unref();
    return keepsUp;
  };

  readonly endStream = (): void => {
    this.#clearStall();
    this.#response.end();
  };

  readonly onGone = (listener: () => void): void => {
    this.#response.once("close", () => {
      this.#clearStall();
      listener();
    });
  };

  readonly onDrain = (listener: () => void): void => {
    this.#response.on("drain", () => {
      this.#clearStall();
      listener();
    });
  };

  #clearStall(): void {
    if (this.#stall) clearTimeout(this.#stall);
    this.#stall = null;
  }
}
