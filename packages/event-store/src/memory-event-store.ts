import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { ChainVerifier, GENESIS_HASH, nextRow } from "./chain.ts";
import { EventStore, type StoredEvent } from "./event-store.ts";

/** In memory, for tests; the contract suite keeps it honest. */
export const layerMemory: Layer.Layer<EventStore> = Layer.sync(EventStore, () => {
  const rows: Array<StoredEvent> = [];
  const known = new Set<string>();
  return EventStore.of({
    append: (records, recordedAt) =>
      Effect.sync(() => {
        const added: Array<StoredEvent> = [];
        for (const record of records) {
          const place = `${record.partition}/${record.offset}`;
          if (known.has(place)) continue;
          known.add(place);
          const row = nextRow(record, rows.length + 1, rows.at(-1)?.hash ?? GENESIS_HASH, recordedAt);
          rows.push(row);
          added.push(row);
        }
        return added;
      }),
    read: ({ application, releaseId, after = 0, limit }) =>
      Effect.sync(() =>
        rows
          .filter(
            (row) =>
              row.position > after &&
              (application === undefined || row.application === application) &&
              (releaseId === undefined || row.releaseId === releaseId),
          )
          .slice(0, limit),
      ),
    end: Effect.sync(() => rows.length),
    verify: Effect.sync(() => {
      const verifier = new ChainVerifier();
      for (const row of rows) verifier.add(row);
      return verifier.result();
    }),
  });
});
