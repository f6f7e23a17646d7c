import { randomBytes } from "node:crypto";
import {
  type Observation,
  type ReportedObservation,
  type ReportedObservationsBody,
  type Timestamp,
  timestampOf,
} from "@sluice/contracts";
import { type RedactionRule, redactedCut, standardRedaction } from "@sluice/contracts/redaction";
import type { Assignment } from "./domain/assign.ts";
import type { ClientSettings } from "./settings.ts";

/** What the service measured of one request. Whatever is left out is unknown. */
export interface Measured
  extends Partial<
    Pick<
      Observation,
      | "streamed"
      | "timeToFirstTokenMs"
      | "inputTokens"
      | "outputTokens"
      | "costUsd"
      | "finishReason"
      | "refused"
      | "payload"
    >
  > {
  /** HTTP status that the user got. */
  readonly status: number;
  /** Null when the request was answered. */
  readonly errorClass: Observation["errorClass"];
  readonly latencyMs: number;
  /** When the request came (epoch milliseconds); `latencyMs` ago when left out. */
  readonly startedAtMs?: number;
  /** Digest of what was really served, where the service knows better than the assignment. */
  readonly servedBundle?: Observation["servedBundle"];
}

/** A report as large as the gateway takes. */
const MAX_REPORTED = 100;
const MAX_REPORTED_PAYLOAD_LENGTH = 1_000_000;
const MAX_PAYLOAD_LENGTH = 65_536;

/**
 * Observations on their way to a gateway. Each is sent at most once, because a repeated one would count twice: what may or may
 * not have arrived counts as dropped, and so does what finds the buffer full. The next report says how many.
 */
export class ObservationReporter {
  readonly #settings: ClientSettings;
  readonly #redaction: ReadonlyArray<RedactionRule>;
  readonly #onTrouble: (sentence: string) => void;
  readonly #bootId = randomBytes(6).toString("hex");
  readonly #timer: NodeJS.Timeout;
  #waiting: Array<ReportedObservation> = [];
  #payloadLength = 0;
  #sequence = 0;
  #dropped = 0;
  #sending: Promise<void> | null = null;

  constructor(
    settings: ClientSettings,
    redaction: ReadonlyArray<RedactionRule>,
    onTrouble: (sentence: string) => void,
  ) {
    this.#settings = settings;
    this.#redaction = [...standardRedaction, ...redaction];
    this.#onTrouble = onTrouble;
    this.#timer = setInterval(() => this.#flush(), settings.reportIntervalMs);
    this.#timer.unref();
  }

  /** Observations that wait, and those lost that no report has told of yet. */
  get pending(): { readonly observations: number; readonly dropped: number } {
    return { observations: this.#waiting.length, dropped: this.#dropped };
  }

  /** Never blocks and never throws. A request served by the caller's own default is no release's, and not reported. */
  add(assignment: Assignment, measured: Measured): void {
    if (assignment.bundle === null) return;
    if (this.#waiting.length >= this.#settings.maxBufferedObservations) {
      this.#dropped += 1;
      return;
    }
    this.#sequence += 1;
    const { payload, startedAtMs, servedBundle, ...known } = measured;
    const observation: ReportedObservation = {
      observationId: `${this.#bootId}-${this.#sequence.toString(36)}`,
      releaseId: assignment.releaseId,
      arm: assignment.arm,
      assignedBundle: assignment.bundle.digest,
      servedBundle: servedBundle ?? assignment.bundle.digest,
      clusterKey: assignment.clusterKey,
      startedAt: startOf(startedAtMs ?? Date.now() - measured.latencyMs),
      streamed: false,
      timeToFirstTokenMs: null,
      inputTokens: null,
      outputTokens: null,
      finishReason: null,
      refused: null,
      ...known,
    };
    this.#waiting.push(payload ? this.#withPayload(observation, payload) : observation);
    if (this.#waiting.length >= MAX_REPORTED) this.#flush();
  }

  /** Sends what waits, once, and stops. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#sending;
    await this.#drain();
  }

  /** Texts go first where there is no room. */
  #withPayload(observation: ReportedObservation, payload: NonNullable<Observation["payload"]>): ReportedObservation {
    const input = this.#safe(payload.input, "end");
    const output = this.#safe(payload.output, "start");
    const length = input.length + output.length;
    if (this.#payloadLength + length > this.#settings.maxBufferedPayloadLength) return observation;
    this.#payloadLength += length;
    return { ...observation, payload: { input, output } };
  }

  #safe(text: string, keep: "start" | "end"): string {
    return redactedCut(text, this.#redaction, MAX_PAYLOAD_LENGTH, keep).toWellFormed().replaceAll("\u0000", "\uFFFD");
  }

  #flush(): void {
    this.#sending ??= this.#drain().finally(() => {
      this.#sending = null;
    });
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0 || this.#dropped > 0) if (!(await this.#sendFirst())) return;
  }

  /** False when the gateway took nothing: it is asked again at the next interval. */
  async #sendFirst(): Promise<boolean> {
    const observations = this.#waiting.slice(0, reportSize(this.#waiting));
    const dropped = this.#dropped;
    const outcome = await this.#post({ application: this.#settings.application, observations, dropped });
    if (outcome === "not taken") return false;
    this.#waiting = this.#waiting.slice(observations.length);
    for (const observation of observations) this.#payloadLength -= lengthOf(observation);
    if (outcome === "taken") this.#dropped -= dropped;
    else this.#dropped += observations.length;
    return outcome === "taken";
  }

  async #post(body: ReportedObservationsBody): Promise<"taken" | "not taken" | "unknown"> {
    const { gatewayUrl, reporterKey, requestTimeoutMs } = this.#settings;
    try {
      const response = await fetch(`${gatewayUrl}/v1/observations`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${reporterKey ?? ""}` },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(requestTimeoutMs),
      });
      const text = await response.text();
      if (response.ok) return "taken";
      this.#onTrouble(`observations were not taken: ${gatewayUrl} answered ${response.status} ${text.slice(0, 200)}`);
      // An answer of the gateway that refuses: nothing of it was counted.
      return "not taken";
    } catch (error) {
      this.#onTrouble(`observations could not be reported: ${String(error)}`);
      return isRefused(error) ? "not taken" : "unknown";
    }
  }
}

const startOf = (epochMs: number): Timestamp => timestampOf(Math.max(0, epochMs));

const lengthOf = ({ payload }: ReportedObservation): number =>
  payload ? payload.input.length + payload.output.length : 0;

const reportSize = (waiting: ReadonlyArray<ReportedObservation>): number => {
  let length = 0;
  let size = 0;
  for (const observation of waiting) {
    length += lengthOf(observation);
    if (size >= MAX_REPORTED || (size > 0 && length > MAX_REPORTED_PAYLOAD_LENGTH)) return size;
    size += 1;
  }
  return size;
};

/** Nothing was listening: nothing can have arrived. */
const isRefused = (error: unknown): boolean =>
  error instanceof Error &&
  error.cause instanceof Error &&
  "code" in error.cause &&
  error.cause.code === "ECONNREFUSED";
