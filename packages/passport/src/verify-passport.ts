import { hash } from "node:crypto";
import { canonicalJson, ReleasePassport } from "@sluice/contracts";
import {
  type Checkpoint,
  isConsistent,
  isSignedBy,
  leafHash,
  openCheckpoint,
  rootByInclusion,
  type VerifierKey,
} from "@sluice/transparency";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { artifactsOf, IN_TOTO_PAYLOAD, isAttested, type RecordReference } from "./statements.ts";

export interface PassportFault {
  /** Of the row that is concerned; null where it is the passport as a whole. */
  readonly position: number | null;
  readonly sentence: string;
}

export interface VerifiedPassport {
  readonly application: string;
  readonly releaseId: string;
  readonly rows: number;
  readonly attestations: number;
  /** Rows that the checkpoint covers. */
  readonly signed: number;
  /** Empty when all of it holds. */
  readonly faults: ReadonlyArray<PassportFault>;
}

/** The fields of a leaf that are compared; `leafOf` in the event store writes them. */
interface Leaf {
  readonly application: string;
  readonly eventId: string;
  readonly payloadSha256: string;
  readonly position: number;
  readonly previousHash: string;
  readonly refusal: unknown;
  readonly releaseId: string | null;
  readonly sequence: number;
  readonly type: string;
}

interface Row {
  readonly leaf: Leaf;
  readonly hash: string;
  readonly given: ReleasePassport["rows"][number];
}

const decode = Schema.decodeUnknownResult(ReleasePassport);

/** Checks a passport with nothing but itself and the public key. A failure: what it was given is no passport at all. */
export const verifyPassport = (value: unknown, key: VerifierKey): Result.Result<VerifiedPassport, string> =>
  Result.flatMap(
    Result.mapError(decode(value, { onExcessProperty: "error" }), (error) => error.message.replaceAll(/\s+/gu, " ")),
    (passport) => {
      const rows: Array<Row> = [];
      for (const [n, given] of passport.rows.entries()) {
        const leaf = parsedLeaf(given.leaf);
        if (!leaf) return Result.fail(`rows[${n}].leaf is not the canonical JSON of a row`);
        rows.push({ leaf, hash: leafHash(given.leaf), given });
      }
      const checkpoint = openCheckpoint(passport.checkpoint, key);
      const faults = Result.isFailure(checkpoint)
        ? [whole(`the checkpoint ${checkpoint.failure}`)]
        : [
            ...(passport.key.startsWith(`${key.name}+${key.keyId}+`)
              ? []
              : [whole(`it names the key ${passport.key}`)]),
            ...rowFaults(passport, rows, checkpoint.success),
            ...earlierFaults(passport, checkpoint.success, key),
            ...artifactFaults(passport, rows),
            ...attestationFaults(passport, rows, key),
          ];
      return Result.succeed({
        application: passport.application,
        releaseId: passport.releaseId,
        rows: rows.length,
        attestations: passport.attestations.length,
        signed: Result.isSuccess(checkpoint) ? checkpoint.success.size : 0,
        faults,
      });
    },
  );

const whole = (sentence: string): PassportFault => ({ position: null, sentence });

const parsedLeaf = (text: string): Leaf | null => {
  try {
    const leaf: unknown = JSON.parse(text);
    const isLeaf = typeof leaf === "object" && leaf !== null && "position" in leaf && "previousHash" in leaf;
    // The registry wrote exactly these fields; what hashes to a leaf of the tree has them.
    return isLeaf && canonicalJson(leaf) === text ? (leaf as Leaf) : null;
  } catch {
    return null;
  }
};

const rowFaults = (
  { application, releaseId }: ReleasePassport,
  rows: ReadonlyArray<Row>,
  { size, root }: Checkpoint,
): ReadonlyArray<PassportFault> => {
  const faults: Array<PassportFault> = [];
  const first = rows[0]?.leaf;
  const last = rows.at(-1)?.leaf;
  if (first?.releaseId !== releaseId || last?.releaseId !== releaseId)
    faults.push(whole("the rows do not begin and end with rows of the release"));
  for (const [n, { leaf, hash: leafOfRow, given }] of rows.entries()) {
    const fault = (sentence: string) =>
      faults.push({ position: leaf.position, sentence: `the row at position ${leaf.position} ${sentence}` });
    const before = rows[n - 1];
    if (leaf.application !== application) fault(`is of application ${leaf.application}, not of ${application}`);
    if (before) {
      const missing = leaf.sequence - before.leaf.sequence - 1;
      if (missing > 0) fault(`comes after ${missing} rows of ${application} that are missing`);
      else if (missing < 0 || leaf.position <= before.leaf.position) fault("is not in the order of the record");
      else if (leaf.previousHash !== before.hash)
        fault(`does not follow the row before it (position ${before.leaf.position}), which was changed`);
    }
    if (leaf.releaseId === releaseId && (given.payload === null || given.inclusion === null))
      fault("is of the release and lacks its payload or its proof");
    if (given.payload !== null) {
      if (hash("sha256", given.payload, "hex") !== leaf.payloadSha256) fault("has another payload than was recorded");
    }
    if (given.inclusion !== null && rootByInclusion(leafOfRow, leaf.position - 1, size, given.inclusion) !== root)
      fault("was changed, or is not in the record that was signed");
  }
  return faults;
};

const earlierFaults = (
  { earlier, rows: [first] }: ReleasePassport,
  newer: Checkpoint,
  key: VerifierKey,
): ReadonlyArray<PassportFault> => {
  if (earlier === null) return [];
  const opened = openCheckpoint(earlier.checkpoint, key);
  if (Result.isFailure(opened)) return [whole(`the earlier checkpoint ${opened.failure}`)];
  const position = first ? parsedLeaf(first.leaf)?.position : undefined;
  if (opened.success.size >= (position ?? 0)) return [whole("the earlier checkpoint is not from before the release")];
  return isConsistent(opened.success, newer, earlier.consistency)
    ? []
    : [whole(`the record of ${newer.size} rows does not begin with the ${opened.success.size} rows signed earlier`)];
};

const acceptedEvents = (rows: ReadonlyArray<Row>) =>
  rows.filter(({ leaf, given }) => given.payload !== null && leaf.type !== "RecordDeadLettered");

const artifactFaults = ({ artifacts }: ReleasePassport, rows: ReadonlyArray<Row>): ReadonlyArray<PassportFault> => {
  const expected = acceptedEvents(rows).flatMap(({ leaf, given }) =>
    // A payload that hashes to its leaf is what the registry recorded.
    namedBy(given.payload ?? "").map((artifact) => ({ ...artifact, position: leaf.position })),
  );
  return canonicalJson(expected) === canonicalJson(artifacts)
    ? []
    : [whole("the list of artifacts is not what the events name")];
};

const namedBy = (payload: string) => {
  try {
    return artifactsOf(JSON.parse(payload));
  } catch {
    return [];
  }
};

/** One for each accepted result of the release, in order, about its row and by this key. */
const attestationFaults = (
  { attestations, releaseId }: ReleasePassport,
  rows: ReadonlyArray<Row>,
  key: VerifierKey,
): ReadonlyArray<PassportFault> => {
  const results = rows.filter(
    ({ leaf }) => leaf.releaseId === releaseId && leaf.refusal === null && isAttested(leaf.type),
  );
  const faults: Array<PassportFault> = [];
  if (results.length !== attestations.length)
    faults.push(whole(`there are ${attestations.length} attestations for ${results.length} results`));
  for (const [n, { leaf, hash: leafOfRow }] of results.entries()) {
    const envelope = attestations[n];
    if (!envelope) break;
    const { position } = leaf;
    if (envelope.payloadType !== IN_TOTO_PAYLOAD || !isSignedBy(envelope, key)) {
      faults.push({
        position,
        sentence: `the attestation of the row at position ${position} is not signed by the key`,
      });
      continue;
    }
    const about = referenceOf(envelope.payload);
    if (about?.leaf !== leafOfRow || about.position !== position || about.event !== leaf.type)
      faults.push({ position, sentence: `the attestation of the row at position ${position} is about another row` });
  }
  return faults;
};

const referenceOf = (payload: string): RecordReference | null => {
  try {
    return JSON.parse(Buffer.from(payload, "base64").toString("utf8")).predicate.sluice_record ?? null;
  } catch {
    return null;
  }
};
