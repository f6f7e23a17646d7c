import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Result from "effect/Result";
import { chainOnto, emptyHead } from "./chain.ts";
import { ChainVerifier } from "./chain-verifier.ts";
import { EventStore, EventStoreError, type StoredEvent } from "./event-store.ts";
import { freshRecords } from "./fresh-records.ts";
import { MAX_READ, MAX_READ_BYTES } from "./read-limit.ts";

/** In memory, for tests; kept honest by the contract suite. */
export const layerMemory: Layer.Layer<EventStore> = Layer.sync(EventStore, () => {
  const rows: Array<StoredEvent> = [];
  const sequences = new Map<string, number>();

  return EventStore.of({
    append: (records, recordedAt) =>
      Effect.suspend(() => {
        const fresh = freshRecords(rows, records);
        if (Result.isFailure(fresh))
          return Effect.fail(new EventStoreError({ operation: "append", message: fresh.failure }));
        const added = chainOnto(rows.at(-1) ?? emptyHead, sequences, fresh.success, recordedAt);
        for (const row of added) sequences.set(row.application, row.sequence);
        rows.push(...added);
        return Effect.succeed(added);
      }),
    end: Effect.sync(() => rows.length),
    read: ({ application, releaseId, after = 0, limit }) =>
      Effect.sync(() => {
        let bytesBefore = 0;
        return rows
          .filter(
            (row) =>
              row.position > after &&
              (application === undefined || row.application === application) &&
              (releaseId === undefined || row.releaseId === releaseId),
          )
          .slice(0, Math.min(limit, MAX_READ))
          .filter(({ payload }) => {
            const fits = bytesBefore < MAX_READ_BYTES;
            bytesBefore += Buffer.byteLength(payload);
            return fits;
          });
      }),
    verify: Effect.sync(() => {
      const verifier = new ChainVerifier();
      for (const row of rows) verifier.push(row);
      verifier.finish();
      return verifier.end(rows.at(-1) ?? emptyHead, new Map());
    }),
  });
});
