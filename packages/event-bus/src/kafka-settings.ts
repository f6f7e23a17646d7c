import * as Schema from "effect/Schema";

export interface KafkaEventBusSettings {
  readonly brokers: ReadonlyArray<string>;
  readonly clientId?: string;
  /** Copies of each partition of topics that this bus creates; 3 in production. */
  readonly replicationFactor?: number;
  readonly ssl?: boolean;
  readonly sasl?: {
    readonly mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
    readonly username: string;
    readonly password: string;
  };
}

/** No broker answered when the bus was opened. */
export class KafkaUnreachable extends Schema.TaggedError<KafkaUnreachable>()("KafkaUnreachable", {
  message: Schema.String,
}) {}

/** A broker takes record batches up to this size: the largest record, and room for its headers and neighbours. */
export const MAX_BATCH_BYTES = 8 * 1_024 * 1_024;
