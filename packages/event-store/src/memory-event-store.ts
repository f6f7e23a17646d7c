import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Result from "effect/Result";
import { chainOnto, emptyHead } from "./chain.ts";
import { EventStore, EventStoreError, type KeptCheckpoint, type StoredEvent } from "./event-store.ts";
import { freshRecords } from "./fresh-records.ts";
import { MAX_HASHES, MAX_READ, MAX_READ_BYTES } from "./read-limit.ts";

/** In memory, for tests; kept honest by the contract suite. */
export const layerMemory: Layer.Layer<EventStore> = Layer.sync(EventStore, () => {
  const rows: Array<StoredEvent> = [];
  const lastOf = new Map<string, StoredEvent>();
  const checkpoints = new Map<string, KeptCheckpoint>();

  return EventStore.of({
    append: (records, recordedAt) =>
      Effect.suspend(() => {
        const fresh = freshRecords(rows, records);
        if (Result.isFailure(fresh))
          return Effect.fail(new EventStoreError({ operation: "append", message: fresh.failure }));
        const added = chainOnto(rows.at(-1) ?? emptyHead, lastOf, fresh.success, recordedAt);
        for (const row of added) lastOf.set(row.application, row);
        rows.push(...added);
        return Effect.succeed(added);
      }),
    end: Effect.sync(() => rows.length),
    head: Effect.sync(() => {
      const { position, hash } = rows.at(-1) ?? emptyHead;
      return { position, hash, last: position };
    }),
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
    hashes: ({ after, limit }) =>
      Effect.sync(() => rows.slice(after, after + Math.min(limit, MAX_HASHES)).map(({ hash }) => hash)),
    keepCheckpoint: (checkpoint) =>
      Effect.sync(() => {
        if (!checkpoints.has(checkpoint.note)) checkpoints.set(checkpoint.note, checkpoint);
      }),
    checkpoints: Effect.sync(() => [...checkpoints.values()].sort((a, b) => a.size - b.size)),
  });
});
