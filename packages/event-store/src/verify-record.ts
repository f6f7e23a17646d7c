import * as Effect from "effect/Effect";
import { EventStore, type EventStoreError } from "./event-store.ts";
import { MAX_READ } from "./read-limit.ts";
import { nothingSigned, RecordVerifier, type SignedRecord, type Verification } from "./record-verifier.ts";

/** Reads every row, in pages up to the end of the moment, and checks it: what is appended meanwhile is not looked at. */
export const verifyRecord = Effect.fn("verifyRecord")(function* (
  signed: SignedRecord = nothingSigned,
): Effect.fn.Return<Verification, EventStoreError, EventStore> {
  const store = yield* EventStore;
  const end = yield* store.head;
  // Rows beyond the end that were there before this read of it are looked at: somebody put them in.
  const until = Math.max(end.position, end.last);
  const verifier = new RecordVerifier(signed);
  for (let after = 0; after < until; ) {
    const rows = yield* store.read({ after, limit: MAX_READ });
    for (const row of rows) if (row.position <= until) verifier.push(row);
    after = rows.at(-1)?.position ?? until;
  }
  return verifier.end(end);
});
