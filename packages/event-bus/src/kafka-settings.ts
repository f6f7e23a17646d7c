import type * as Redacted from "effect/Redacted";
import * as Schema from "effect/Schema";

export interface KafkaEventBusSettings {
  readonly brokers: ReadonlyArray<string>;
  readonly clientId?: string;
  /** Copies of each partition of topics that this bus creates; 3 in production. */
  readonly replicationFactor?: number;
  /** Left out: no TLS. */
  readonly tls?: KafkaTls;
  /** Left out: no authentication. */
  readonly sasl?: KafkaSasl;
}

/** PEM texts. Without `ca` the system's authorities are trusted; `cert` and `key` identify this client to the broker. */
export interface KafkaTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: Redacted.Redacted;
}

export type KafkaSasl =
  | {
      readonly mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
      readonly username: string;
      readonly password: Redacted.Redacted;
    }
  | {
      readonly mechanism: "oauthbearer";
      /** Asked for each connection that authenticates; keeps its token while that is good. */
      readonly token: () => Promise<string>;
    };

/** No broker answered when the bus was opened. */
export class KafkaUnreachable extends Schema.TaggedError<KafkaUnreachable>()("KafkaUnreachable", {
  message: Schema.String,
}) {}

/** A broker takes record batches up to this size: the largest record, and room for its headers and neighbours. */
export const MAX_BATCH_BYTES = 8 * 1_024 * 1_024;
