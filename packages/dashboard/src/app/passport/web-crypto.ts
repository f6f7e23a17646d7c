// What a passport is checked with, on WebCrypto alone. Hashes are 64 lower-case hex digits, as in the passport.

type Bytes = Uint8Array<ArrayBuffer>;

export const utf8 = (text: string): Bytes => new TextEncoder().encode(text);

export const joined = (...parts: ReadonlyArray<Bytes>): Bytes => {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
};

export const hexOf = (bytes: Bytes): string => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
export const bytesOfHex = (hex: string): Bytes =>
  Uint8Array.from(hex.match(/../gu) ?? [], (pair) => Number.parseInt(pair, 16));
/** Empty for what is no base64. */
export const bytesOfBase64 = (text: string): Bytes => {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
};

export const sha256 = async (bytes: Bytes): Promise<string> =>
  hexOf(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));

export interface VerifierKey {
  readonly name: string;
  readonly keyId: string;
  readonly isSignature: (signed: Bytes, signature: Bytes) => Promise<boolean>;
}

/** Reads `name+keyId+base64` (C2SP), whose key id has to follow from the rest; null for anything else. */
export const readVerifierKey = async (text: string): Promise<VerifierKey | null> => {
  const [, name = "", keyId = "", encoded = ""] = /^([^\s+]+)\+([0-9a-f]{8})\+(\S+)$/u.exec(text.trim()) ?? [];
  const bytes = bytesOfBase64(encoded);
  // 0x01 is Ed25519.
  if (bytes.length !== 33 || bytes[0] !== 1) return null;
  if ((await sha256(joined(utf8(`${name}\n`), bytes))).slice(0, 8) !== keyId) return null;
  const key = await crypto.subtle.importKey("raw", bytes.slice(1), "Ed25519", false, ["verify"]);
  return { name, keyId, isSignature: (signed, signature) => crypto.subtle.verify("Ed25519", key, signature, signed) };
};

export interface Checkpoint {
  readonly size: number;
  readonly root: string;
}

/** A C2SP checkpoint that the key has signed; null for anything else. */
export const openCheckpoint = async (note: string, key: VerifierKey): Promise<Checkpoint | null> => {
  const end = note.lastIndexOf("\n\n");
  if (end < 0) return null;
  const text = note.slice(0, end + 1);
  for (const line of note.slice(end + 2).split("\n")) {
    const [, name, data = ""] = /^— (\S+) (\S+)$/u.exec(line) ?? [];
    const bytes = bytesOfBase64(data);
    if (name !== key.name || hexOf(bytes.slice(0, 4)) !== key.keyId) continue;
    if (!(await key.isSignature(utf8(text), bytes.slice(4)))) return null;
    const [origin, size = "", root = ""] = text.split("\n");
    if (origin !== key.name || !/^\d{1,15}$/u.test(size)) return null;
    return { size: Number(size), root: hexOf(bytesOfBase64(root)) };
  }
  return null;
};

const LEAF = new Uint8Array([0]);
const NODE = new Uint8Array([1]);
export const leafHash = (text: string): Promise<string> => sha256(joined(LEAF, utf8(text)));
const nodeHash = (left: string, right: string): Promise<string> =>
  sha256(joined(NODE, bytesOfHex(left), bytesOfHex(right)));
const half = (n: number): number => Math.floor(n / 2);

/** The root that a leaf and its path lead to (RFC 9162 §2.1.3.2); null when the path does not fit the place. */
export const rootByInclusion = async (
  leaf: string,
  index: number,
  size: number,
  path: ReadonlyArray<string>,
): Promise<string | null> => {
  if (index < 0 || index >= size) return null;
  let [node, last, root] = [index, size - 1, leaf];
  for (const sibling of path) {
    if (last === 0) return null;
    if (node % 2 === 1 || node === last) {
      root = await nodeHash(sibling, root);
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    } else root = await nodeHash(root, sibling);
    [node, last] = [half(node), half(last)];
  }
  return last === 0 ? root : null;
};

/** Whether the newer tree begins with the older one (RFC 9162 §2.1.4.2). */
export const isConsistent = async (
  older: Checkpoint,
  newer: Checkpoint,
  path: ReadonlyArray<string>,
): Promise<boolean> => {
  if (older.size === newer.size) return path.length === 0 && older.root === newer.root;
  if (older.size > newer.size || older.size === 0) return older.size === 0 && path.length === 0;
  const isComplete = 2 ** Math.round(Math.log2(older.size)) === older.size;
  const [first, ...rest] = isComplete ? [older.root, ...path] : path;
  if (first === undefined) return false;
  let [node, last] = [older.size - 1, newer.size - 1];
  while (node % 2 === 1) [node, last] = [half(node), half(last)];
  let [olderRoot, newerRoot] = [first, first];
  for (const sibling of rest) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      olderRoot = await nodeHash(sibling, olderRoot);
      newerRoot = await nodeHash(sibling, newerRoot);
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    } else newerRoot = await nodeHash(newerRoot, sibling);
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && olderRoot === older.root && newerRoot === newer.root;
};

/** Whether a DSSE envelope is signed by the key. */
export const isSignedEnvelope = async (
  {
    payloadType,
    payload,
    signatures,
  }: { payloadType: string; payload: string; signatures: ReadonlyArray<{ keyid: string; sig: string }> },
  key: VerifierKey,
): Promise<boolean> => {
  const bytes = bytesOfBase64(payload);
  const type = utf8(payloadType);
  const signed = joined(utf8(`DSSEv1 ${type.length} ${payloadType} ${bytes.length} `), bytes);
  for (const { keyid, sig } of signatures)
    if (keyid === `${key.name}+${key.keyId}` && (await key.isSignature(signed, bytesOfBase64(sig)))) return true;
  return false;
};
