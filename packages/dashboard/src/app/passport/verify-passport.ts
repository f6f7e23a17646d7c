import type { PASSPORT_FORMAT, ReleasePassport } from "@sluice/contracts";
import {
  bytesOfBase64,
  isConsistent,
  isSignedEnvelope,
  leafHash,
  openCheckpoint,
  readVerifierKey,
  rootByInclusion,
  sha256,
  utf8,
  type VerifierKey,
} from "./web-crypto.ts";

/** The compiler holds it to the contracts' value. */
const format: typeof PASSPORT_FORMAT = "sluice-release-passport/v1";

export interface CheckedPassport {
  readonly application: string;
  readonly releaseId: string;
  readonly rows: number;
  readonly attestations: number;
  /** Rows that the signed checkpoint covers. */
  readonly signed: number;
  /** The key that all of it is signed with, as the passport names it. */
  readonly key: string;
  /** What does not hold, a sentence each; empty when all of it holds. */
  readonly faults: ReadonlyArray<string>;
}

/** The fields of a leaf that are looked at. */
interface Leaf {
  readonly application: string;
  readonly payloadSha256: string;
  readonly position: number;
  readonly previousHash: string;
  readonly releaseId: string | null;
  readonly sequence: number;
  readonly type: string;
}

/** Throws a sentence when the text is no passport. Nothing is asked of anybody: the file and the key are enough. */
export const checkPassport = async (text: string): Promise<CheckedPassport> => {
  const passport = parsed(text);
  const key = await readVerifierKey(passport.key);
  if (!key) throw new Error("the file names no key that can be read");
  const faults: Array<string> = [];
  const checkpoint = await openCheckpoint(passport.checkpoint, key);
  if (!checkpoint) faults.push("the checkpoint is not signed by the key");
  const rows = await Promise.all(
    passport.rows.map(async (given) => ({
      given,
      leaf: JSON.parse(given.leaf) as Leaf,
      hash: await leafHash(given.leaf),
    })),
  );
  const ends = [rows[0], rows.at(-1)];
  if (ends.some((row) => row?.leaf.releaseId !== passport.releaseId))
    faults.push("the rows do not begin and end with rows of the release");
  for (const [n, { given, leaf, hash }] of rows.entries()) {
    const fault = (what: string) => faults.push(`the row at position ${leaf.position} ${what}`);
    const before = rows[n - 1];
    if (leaf.application !== passport.application) fault("is of another application");
    if (before && leaf.sequence !== before.leaf.sequence + 1)
      fault("does not come next: rows are missing or out of order");
    else if (before && leaf.previousHash !== before.hash) fault("does not follow the row before it, which was changed");
    if (leaf.releaseId === passport.releaseId && (given.payload === null || given.inclusion === null))
      fault("is of the release and lacks its payload or its proof");
    if (given.payload !== null && (await sha256(utf8(given.payload))) !== leaf.payloadSha256)
      fault("has another payload than was recorded");
    if (given.inclusion !== null && checkpoint) {
      const root = await rootByInclusion(hash, leaf.position - 1, checkpoint.size, given.inclusion);
      if (root !== checkpoint.root) fault("was changed, or is not in the record that was signed");
    }
  }
  faults.push(...(await attestationFaults(passport, rows, key)));
  if (passport.earlier !== null) {
    const earlier = await openCheckpoint(passport.earlier.checkpoint, key);
    if (!earlier) faults.push("the earlier checkpoint is not signed by the key");
    else if (checkpoint && !(await isConsistent(earlier, checkpoint, passport.earlier.consistency)))
      faults.push(`the record does not begin with the ${earlier.size} rows that were signed earlier`);
  }
  const { application, releaseId, attestations } = passport;
  return {
    application,
    releaseId,
    rows: rows.length,
    attestations: attestations.length,
    signed: checkpoint?.size ?? 0,
    key: passport.key,
    faults,
  };
};

const parsed = (text: string): ReleasePassport => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error("the file is no JSON; drop a passport as the registry gave it");
  }
  const passport = value as Partial<ReleasePassport> | null;
  if (passport?.format !== format || !Array.isArray(passport.rows) || !Array.isArray(passport.attestations))
    throw new Error(`the file is no passport of a release (format ${format})`);
  return passport as ReleasePassport;
};

interface Row {
  readonly leaf: Leaf;
  readonly hash: string;
}

/** Each attestation is signed, and about a row that is here. */
const attestationFaults = async (
  { attestations }: ReleasePassport,
  rows: ReadonlyArray<Row>,
  key: VerifierKey,
): Promise<ReadonlyArray<string>> => {
  const faults: Array<string> = [];
  for (const [n, envelope] of attestations.entries()) {
    if (!(await isSignedEnvelope(envelope, key))) {
      faults.push(`attestation ${n + 1} is not signed by the key`);
      continue;
    }
    const statement = JSON.parse(new TextDecoder().decode(bytesOfBase64(envelope.payload)));
    const about = statement?.predicate?.sluice_record;
    const row = rows.find(({ leaf }) => leaf.position === about?.position);
    if (!row || row.hash !== about.leaf || row.leaf.type !== about.event)
      faults.push(`attestation ${n + 1} is about a row that is not in the passport`);
  }
  return faults;
};
