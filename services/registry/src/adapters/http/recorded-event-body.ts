import type { RecordedEventBody } from "@sluice/contracts";
import type { StoredEvent } from "@sluice/event-store";

export const recordedEventBody = (row: StoredEvent): RecordedEventBody => ({
  position: row.position,
  recordedAt: row.recordedAt,
  accepted: row.refusal === null,
  refusal: row.refusal,
  hash: row.hash,
  event: JSON.parse(row.payload),
});
