import type { ApplicationName, Observation, ObservationEvent, ShadowPairRecorded } from "@sluice/contracts";
import { epochMsOf, timestampOf } from "@sluice/contracts";

/** Longest batch: the contract's bound, and small enough in bytes for any broker's default. */
const MAX_BATCH_OBSERVATIONS = 500;
const MAX_BATCH_PAYLOAD_LENGTH = 200_000;

export interface BufferLimits {
  readonly observations: number;
  /** Characters of payloads and shadow pairs that may wait. */
  readonly payloadLength: number;
}

export interface Dropped {
  readonly observations: number;
  readonly payloads: number;
  readonly pairs: number;
}

interface Waiting {
  observations: Array<Observation>;
  /** Everything that ended before this has been cut (epoch milliseconds). */
  throughMs: number;
  sequence: number;
  /** Observations that were dropped and not reported yet: from when on, and the count that a report must have to say so. */
  gap: { readonly fromMs: number; readonly dropped: number } | null;
}

/**
 * Observations between the request and the bus. It never grows beyond its bounds: payloads go first, then
 * observations, and what was dropped is counted. Cutting moves the watermark `through`, but not past a loss that nobody
 * has been told of: who reads the watermark must be able to know that there was one.
 */
export class ObservationBuffer {
  readonly #gatewayId: string;
  readonly #bootId: string;
  readonly #limits: BufferLimits;
  readonly #startedAtMs: number;
  readonly #onFullBatch: () => void;
  readonly #waiting = new Map<ApplicationName, Waiting>();
  #pairs: Array<ShadowPairRecorded> = [];
  #count = 0;
  #payloadLength = 0;
  #dropped = { observations: 0, payloads: 0, pairs: 0 };
  #latestCutMs: number;

  /** `bootId` keeps the batches of one life of a gateway apart from the next, whose sequences start again. */
  constructor(
    gatewayId: string,
    bootId: string,
    limits: BufferLimits,
    nowMs: number,
    /** Enough waits for a batch. Sent at once it is not there any more when the garbage collector comes to move it. */
    onFullBatch: () => void = () => {},
  ) {
    this.#gatewayId = gatewayId;
    this.#bootId = bootId;
    this.#limits = limits;
    this.#startedAtMs = nowMs;
    this.#onFullBatch = onFullBatch;
    this.#latestCutMs = nowMs;
  }

  get dropped(): Dropped {
    return this.#dropped;
  }

  /** Observations that the process holds, cut or not. */
  get size(): number {
    return this.#count;
  }

  /**
   * The end of a request that ends now. The clock may step back; a request that ends after a cut must not fall before
   * its watermark.
   */
  endOf(nowMs: number): number {
    return Math.max(nowMs, this.#latestCutMs);
  }

  /** `endedAt` must come from `endOf`, in the same turn of the event loop. */
  add(observation: Observation): void {
    if (this.#count >= this.#limits.observations) {
      this.#dropped.observations += 1;
      if (observation.payload) this.#dropped.payloads += 1;
      const waiting = this.#waitingOf(observation.application);
      const fromMs = waiting.gap?.fromMs ?? epochMsOf(observation.endedAt);
      waiting.gap = { fromMs, dropped: this.#dropped.observations };
      return;
    }
    this.#count += 1;
    const waiting = this.#waitingOf(observation.application).observations.push(this.#bounded(observation));
    if (waiting === MAX_BATCH_OBSERVATIONS) this.#onFullBatch();
  }

  /** A reporter has dropped so many observations before they came here. */
  lostElsewhere(application: ApplicationName, count: number, nowMs: number): void {
    this.#dropped.observations += count;
    const waiting = this.#waitingOf(application);
    waiting.gap = { fromMs: waiting.gap?.fromMs ?? this.endOf(nowMs), dropped: this.#dropped.observations };
  }

  #bounded(observation: Observation): Observation {
    if (!observation.payload) return observation;
    const length = lengthOf(observation);
    if (this.#payloadLength + length <= this.#limits.payloadLength) {
      this.#payloadLength += length;
      return observation;
    }
    this.#dropped.payloads += 1;
    const { payload: _, ...bare } = observation;
    return bare;
  }

  addPair(pair: ShadowPairRecorded): void {
    const length = pairLength(pair);
    if (this.#payloadLength + length > this.#limits.payloadLength) {
      this.#dropped.pairs += 1;
      return;
    }
    this.#payloadLength += length;
    if (this.#pairs.push(pair) === MAX_BATCH_OBSERVATIONS) this.#onFullBatch();
  }

  /**
   * Takes everything out as events, in order. Each of `active` gets a batch even when it is empty, because its
   * `through` says that nothing is missing.
   */
  cut(nowMs: number, active: ReadonlySet<ApplicationName>): ReadonlyArray<ObservationEvent> {
    const throughMs = this.endOf(nowMs);
    this.#latestCutMs = throughMs;
    for (const application of active) this.#waitingOf(application);
    const events: Array<ObservationEvent> = this.#pairs;
    this.#pairs = [];
    for (const [application, waiting] of this.#waiting) {
      if (waiting.observations.length === 0 && !active.has(application)) continue;
      for (const batch of this.#batchesOf(application, waiting, throughMs)) events.push(batch);
    }
    return events;
  }

  /** What was cut counts against the bounds until it is on the bus: the process holds it as well. */
  published(events: ReadonlyArray<ObservationEvent>): void {
    for (const event of events) {
      if (event._tag === "ShadowPairRecorded") this.#payloadLength -= pairLength(event);
      else {
        this.#count -= event.observations.length;
        for (const observation of event.observations) this.#payloadLength -= lengthOf(observation);
      }
    }
  }

  /** The bus has taken a report that counts so many dropped observations: the watermark may pass those. */
  lossReported(dropped: number): void {
    for (const waiting of this.#waiting.values()) if (waiting.gap && waiting.gap.dropped <= dropped) waiting.gap = null;
  }

  *#batchesOf(application: ApplicationName, waiting: Waiting, throughMs: number): Generator<ObservationEvent> {
    const groups = groupsOf(waiting.observations);
    waiting.observations = [];
    for (const [i, observations] of groups.entries()) {
      // Only the last batch may move the watermark: before it, something that ended earlier is still to come.
      const isLast = i === groups.length - 1;
      if (isLast) waiting.throughMs = Math.min(throughMs, waiting.gap?.fromMs ?? throughMs);
      waiting.sequence += 1;
      yield {
        _tag: "ObservationsRecorded",
        batchId: `${this.#gatewayId}/${this.#bootId}/${application}/${waiting.sequence}`,
        gatewayId: this.#gatewayId,
        application,
        through: timestampOf(waiting.throughMs),
        observations,
      };
    }
  }

  #waitingOf(application: ApplicationName): Waiting {
    const known = this.#waiting.get(application);
    if (known) return known;
    const waiting: Waiting = { observations: [], throughMs: this.#startedAtMs, sequence: 0, gap: null };
    this.#waiting.set(application, waiting);
    return waiting;
  }
}

const lengthOf = ({ payload }: Observation): number => (payload ? payload.input.length + payload.output.length : 0);

const pairLength = ({ input, baseline, candidate }: ShadowPairRecorded): number =>
  input.length + baseline.output.length + candidate.output.length;

/** At least one group, perhaps empty. */
const groupsOf = (observations: ReadonlyArray<Observation>): ReadonlyArray<ReadonlyArray<Observation>> => {
  const groups: Array<Array<Observation>> = [];
  let group: Array<Observation> = [];
  let length = 0;
  for (const observation of observations) {
    const own = lengthOf(observation);
    if (group.length >= MAX_BATCH_OBSERVATIONS || (group.length > 0 && length + own > MAX_BATCH_PAYLOAD_LENGTH)) {
      groups.push(group);
      group = [];
      length = 0;
    }
    group.push(observation);
    length += own;
  }
  groups.push(group);
  return groups;
};
