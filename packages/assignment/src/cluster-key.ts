import { hash } from "node:crypto";

/** What a request says of itself; whatever is missing is undefined or empty. */
export interface ClusterSources {
  readonly conversation: string | undefined;
  readonly user: string | undefined;
  /** Unique per request; the last resort. */
  readonly request: string;
}

export interface Cluster {
  readonly kind: "conversation" | "user" | "request";
  /** As the caller sent it: for assignment inside the process only. */
  readonly key: string;
}

/** Longer ids are cut, so that a caller cannot make hashing dear. */
const MAX_KEY_LENGTH = 1_024;

/** What stays together on one arm: the conversation, else the user, else only this request. */
export const clusterOf = ({ conversation, user, request }: ClusterSources): Cluster =>
  conversation
    ? { kind: "conversation", key: conversation.slice(0, MAX_KEY_LENGTH) }
    : user
      ? { kind: "user", key: user.slice(0, MAX_KEY_LENGTH) }
      : { kind: "request", key: request };

/**
 * The cluster key that may leave the process: 128 bits of a hash, so that nobody reads an id from telemetry.
 * `secret` (the same in every gateway and client of an installation) keeps guessable ids, such as e-mail addresses,
 * from being found by trying.
 */
export const clusterKeyOf = ({ kind, key }: Cluster, secret = ""): string =>
  hash("sha256", `${secret}\n${kind}\n${key}`, "hex").slice(0, 32);
