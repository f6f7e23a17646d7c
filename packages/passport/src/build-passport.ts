import { PASSPORT_FORMAT, type ReleaseEventOf, type ReleaseId, type ReleasePassport } from "@sluice/contracts";
import { leafOf, releaseEventOf, type StoredEvent } from "@sluice/event-store";
import { type SigningKey, signEnvelope } from "@sluice/transparency";
import { artifactsOf, IN_TOTO_PAYLOAD, statementOf } from "./statements.ts";

export interface PassportParts {
  readonly application: string;
  readonly releaseId: ReleaseId;
  /** Every row of the application from the release's first to its last. */
  readonly rows: ReadonlyArray<StoredEvent>;
  readonly checkpoint: string;
  readonly earlier: ReleasePassport["earlier"];
  /** Paths of the rows that carry their payload, by position. */
  readonly inclusions: ReadonlyMap<number, ReadonlyArray<string>>;
  readonly key: SigningKey;
}

/** Rows of the release, and of the application as a whole: other releases' events are nobody's business here. */
export const carriesPayload = (row: Pick<StoredEvent, "releaseId">, releaseId: ReleaseId): boolean =>
  row.releaseId === releaseId || row.releaseId === null;

export const buildPassport = (parts: PassportParts): ReleasePassport => {
  const { application, releaseId, rows, inclusions, key } = parts;
  const told = rows.flatMap((row) => {
    const event = carriesPayload(row, releaseId) ? releaseEventOf(row) : null;
    return event ? [{ row, event }] : [];
  });
  const own = told.filter(({ row }) => row.releaseId === releaseId && row.refusal === null);
  const request = own.find(
    (told): told is { row: StoredEvent; event: ReleaseEventOf<"ReleaseRequested"> } =>
      told.event._tag === "ReleaseRequested",
  );
  const decided = own.map(({ event }) => event).find((event) => "policyDigest" in event);
  const policy = decided?.policyDigest ?? null;
  const statements = request
    ? own.flatMap(
        ({ row, event }) => statementOf(row, event, { candidate: request.event.candidate.digest, policy }) ?? [],
      )
    : [];
  return {
    format: PASSPORT_FORMAT,
    application,
    releaseId,
    key: key.verifierKey,
    checkpoint: parts.checkpoint,
    earlier: parts.earlier,
    rows: rows.map((row) => ({
      leaf: leafOf(row),
      payload: carriesPayload(row, releaseId) ? row.payload : null,
      inclusion: inclusions.get(row.position) ?? null,
    })),
    artifacts: told.flatMap(({ row, event }) =>
      artifactsOf(event).map((artifact) => ({ ...artifact, position: row.position })),
    ),
    attestations: statements.map((statement) => signEnvelope(IN_TOTO_PAYLOAD, JSON.stringify(statement), key)),
  };
};
