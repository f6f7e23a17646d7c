import { createPrivateKey, createPublicKey, generateKeyPairSync, hash, type KeyObject, sign } from "node:crypto";
import * as Result from "effect/Result";

/** An Ed25519 key that signs under a name, as C2SP signed notes want it. */
export interface SigningKey {
  readonly name: string;
  /** 8 hex digits: the beginning of a hash of name and public key. */
  readonly keyId: string;
  /** `name+keyId+base64`: what a verifier needs, and may be told to everybody. */
  readonly verifierKey: string;
  readonly sign: (bytes: Uint8Array) => Buffer;
}

/** A public key with the name it signs under. */
export interface VerifierKey {
  readonly name: string;
  readonly keyId: string;
  readonly publicKey: KeyObject;
}

/** The one signature type of C2SP signed notes that is used here. */
const ED25519 = 0x01;
const PRIVATE_PREFIX = "PRIVATE+KEY+";
/** What DER puts before the 32 bytes of a private and of a public Ed25519 key. */
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI = Buffer.from("302a300506032b6570032100", "hex");

const bytesOf = (key: KeyObject): Buffer => key.export({ format: "der", type: "spki" }).subarray(-32);

const keyIdOf = (name: string, publicBytes: Buffer): string =>
  hash("sha256", Buffer.concat([Buffer.from(`${name}\n`), Buffer.from([ED25519]), publicBytes]), "hex").slice(0, 8);

/** Names stand in a line of words, between plus signs. */
export const isKeyName = (name: string): boolean => /^[^\s+]{1,100}$/u.test(name);

const encoded = (publicBytes: Buffer): string =>
  Buffer.concat([Buffer.from([ED25519]), publicBytes]).toString("base64");

/** A new key in the text form of C2SP private keys: a secret of one line. */
export const newSigningKey = (name: string): string => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const seed = privateKey.export({ format: "der", type: "pkcs8" }).subarray(-32);
  return `${PRIVATE_PREFIX}${name}+${keyIdOf(name, bytesOf(publicKey))}+${encoded(seed)}`;
};

/** Reads the text form; the sentence of a failure never holds a part of the secret. */
export const readSigningKey = (text: string): Result.Result<SigningKey, string> => {
  const line = text.trim();
  const parts = line.startsWith(PRIVATE_PREFIX) ? keyParts(line.slice(PRIVATE_PREFIX.length)) : null;
  if (!parts) return Result.fail("is no signing key; it has one line such as PRIVATE+KEY+sluice/record+1a2b3c4d+…");
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8, parts.key]), format: "der", type: "pkcs8" });
  const publicBytes = bytesOf(createPublicKey(privateKey));
  const { name, keyId } = parts;
  if (keyIdOf(name, publicBytes) !== keyId)
    return Result.fail("has another key id than its name and key lead to; copy it again");
  return Result.succeed({
    name,
    keyId,
    verifierKey: `${name}+${keyId}+${encoded(publicBytes)}`,
    sign: (bytes) => sign(null, bytes, privateKey),
  });
};

/** Reads `name+keyId+base64`. */
export const readVerifierKey = (text: string): Result.Result<VerifierKey, string> => {
  const parts = keyParts(text.trim());
  if (!parts)
    return Result.fail("is no public key; it has the form sluice/record+1a2b3c4d+A…, as /v1/audit/key tells it");
  const { name, keyId, key } = parts;
  if (keyIdOf(name, key) !== keyId)
    return Result.fail("has another key id than its name and key lead to; copy it again");
  const publicKey = createPublicKey({ key: Buffer.concat([SPKI, key]), format: "der", type: "spki" });
  return Result.succeed({ name, keyId, publicKey });
};

const keyParts = (text: string): { readonly name: string; readonly keyId: string; readonly key: Buffer } | null => {
  // Base64 may hold plus signs of its own: only the first two separate.
  const [, name, keyId, data] = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/u.exec(text) ?? [];
  if (name === undefined || keyId === undefined || data === undefined) return null;
  const bytes = Buffer.from(data, "base64");
  return bytes.length === 33 && bytes[0] === ED25519 ? { name, keyId, key: bytes.subarray(1) } : null;
};
