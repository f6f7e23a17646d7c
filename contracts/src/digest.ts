import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import type { Digest } from "./primitives.ts";

/** Canonical JSON (RFC 8785). Throws on values JSON cannot carry: these are programmer errors. */
export const canonicalJson = (value: unknown): string => {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError("canonicalJson: the value has no JSON form");
  return text;
};

/** `sha256:…` of raw bytes or of a string's UTF-8. */
export const digestOfBytes = (bytes: string | Uint8Array): Digest =>
  `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/** `sha256:…` of a value's canonical JSON: the address of an artifact, a policy, a judge. */
export const digestOf = (value: unknown): Digest => digestOfBytes(canonicalJson(value));
