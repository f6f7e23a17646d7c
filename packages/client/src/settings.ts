import { ApplicationName, withDefault } from "@sluice/contracts";
import * as Schema from "effect/Schema";

const Positive = Schema.Int.check(Schema.isGreaterThan(0));
const Address = Schema.String.check(
  Schema.isPattern(/^https?:\/\/[^\s/?#]+$/u, { expected: "an http or https address without a path" }),
);

export const ClientSettings = Schema.Struct({
  application: ApplicationName,
  /** Address of the registry, such as `http://127.0.0.1:4400`. */
  registryUrl: Address,
  /** A token that may read (role `viewer`). */
  token: Schema.optionalKey(Schema.NonEmptyString),
  /** Address of a gateway that takes reports, and a reporter's key of it; without them nothing is reported. */
  gatewayUrl: withDefault(Schema.NullOr(Address), null),
  reporterKey: Schema.optionalKey(Schema.NonEmptyString),
  /** Directory for the last known good state; null keeps it in memory only. */
  directory: withDefault(Schema.NullOr(Schema.NonEmptyString), null),
  /** The same in every gateway and client of an installation. */
  clusterKeySecret: withDefault(Schema.String, ""),
  /** As in the policy (`canary.maxUnwatchedSeconds`): the candidate's traffic ends when nothing is heard for longer. */
  maxUnwatchedSeconds: withDefault(Schema.Finite.check(Schema.isGreaterThan(0)), 120),
  /** How long opening waits for the registry before it goes on with what there is. */
  startTimeoutMs: withDefault(Positive, 3_000),
  /** A stream silent for longer than this is opened anew; the registry beats its heart every 15 s. */
  silenceMs: withDefault(Positive, 45_000),
  requestTimeoutMs: withDefault(Positive, 10_000),
  reportIntervalMs: withDefault(Positive, 1_000),
  maxBufferedObservations: withDefault(Positive, 10_000),
  maxBufferedPayloadLength: withDefault(Positive, 4 * 1_024 * 1_024),
});
export type ClientSettings = typeof ClientSettings.Type;
/** As written by people. */
export type ClientSettingsInput = typeof ClientSettings.Encoded;

const decode = Schema.decodeUnknownSync(ClientSettings);

/** Throws one sentence that names the field. */
export const clientSettings = (input: ClientSettingsInput): ClientSettings => {
  try {
    return decode(input, { onExcessProperty: "error" });
  } catch (error) {
    throw new TypeError(`sluice client: ${String((error as Error).message).replaceAll(/\s*\n\s*/g, " ")}`);
  }
};
