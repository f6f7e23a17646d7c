import { assert, describe, it } from "@effect/vitest";
import { layerPg } from "@sluice/postgres";
import { noServer, testDatabase } from "@sluice/postgres/test-database";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { EventStore } from "./event-store.ts";
import { eventStoreContract, recorded } from "./event-store-contract.ts";
import { layerPostgres } from "./postgres-event-store.ts";
import { verifyRecord } from "./verify-record.ts";

const open = (connectionString: string) =>
  Effect.map(Layer.build(Layer.provide(layerPostgres, layerPg({ connectionString }))), (context) =>
    Context.get(context, EventStore),
  );

if (noServer) describe.skip("the record on a Postgres server", () => it(`is not tested: ${noServer}`, () => {}));
else {
  eventStoreContract("the record on a Postgres server", (body) =>
    Effect.scoped(
      Effect.gen(function* () {
        return yield* Effect.provideService(body, EventStore, yield* open(yield* testDatabase));
      }),
    ),
  );

  it.live("two registries that read the same log make one chain, without gap or fork", () =>
    Effect.gen(function* () {
      const url = yield* testDatabase;
      const registries = yield* Effect.all([open(url), open(url)]);
      const at = "2026-01-01T00:00:00.000Z";
      // Each reads both partitions in order, in batches of its own size, and they meet at the head.
      const follow = (store: EventStore["Service"], size: number, partition: number) =>
        Effect.forEach(
          Array.from({ length: Math.ceil(300 / size) }, (_, i) => i * size),
          (from) =>
            store.append(
              Array.from({ length: Math.min(size, 300 - from) }, (_, i) =>
                recorded(`app-${partition}`, from + i, partition),
              ),
              at,
            ),
        );
      yield* Effect.all(
        registries.flatMap((store, i) => [follow(store, 3 + 4 * i, 0), follow(store, 5 + 6 * i, 1)]),
        { concurrency: "unbounded" },
      );
      const [store] = registries;
      const rows = yield* store.read({ limit: 1_000 });
      assert.strictEqual(rows.length, 600);
      for (const partition of [0, 1])
        assert.deepStrictEqual(
          rows.filter((row) => row.partition === partition).map((row) => row.offset),
          Array.from({ length: 300 }, (_, n) => n),
        );
      assert.lengthOf((yield* Effect.provideService(verifyRecord(), EventStore, store)).faults, 0);
    }).pipe(Effect.scoped, Effect.timeout("30 seconds")),
  );
}
