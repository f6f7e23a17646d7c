import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { assert, describe, it } from "@effect/vitest";
import { releasesTopic } from "@sluice/contracts";
import * as EventBus from "@sluice/event-bus";
import { CheckpointDirectory, EventStore, layerPostgres, signedRecord, verifyRecord } from "@sluice/event-store";
import { layerPg } from "@sluice/postgres";
import { noServer, testDatabase } from "@sluice/postgres/test-database";
import { event, wayTo } from "@sluice/release/testing/samples";
import { newSigningKey, readSigningKey, readVerifierKey } from "@sluice/transparency";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Result from "effect/Result";

const script = fileURLToPath(new URL("./two-registries.fixture.ts", import.meta.url));
const secret = newSigningKey("sluice/record");
const key = Result.getOrThrow(readVerifierKey(Result.getOrThrow(readSigningKey(secret)).verifierKey));

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "sluice-registries-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true })),
);

const exited = (child: ChildProcess) =>
  Effect.callback<void>((resume) => {
    if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void);
    child.once("exit", () => resume(Effect.void));
  });
/** Returns once it serves, or has died of its own. */
const start = (url: string, directory: string) =>
  Effect.callback<ChildProcess>((resume) => {
    const child = fork(script, [url, secret, directory]);
    child.once("message", () => resume(Effect.succeed(child)));
    child.once("exit", () => resume(Effect.succeed(child)));
  });
const kill = (child: ChildProcess) =>
  Effect.andThen(
    Effect.sync(() => void child.kill("SIGKILL")),
    exited(child),
  );

/** Kills, so many that some fall into an append; each at another moment of the work. */
const KILLS = 5;
const ROUNDS = 60;

if (noServer) describe.skip("two registries", () => it(`is not tested: ${noServer}`, () => {}));
else
  it.live(
    "two registries on one log make one record, without gap or fork, while one of them is killed and started again",
    () =>
      Effect.gen(function* () {
        const url = yield* testDatabase;
        const directories = [join(yield* folder, "a"), join(yield* folder, "b")] as const;
        yield* Effect.gen(function* () {
          const bus = yield* EventBus.EventBus;
          const store = yield* EventStore;
          const applications = ["one", "two", "three", "four"];
          const told = applications.map((application) => event("ApplicationRegistered", { application }));
          yield* bus.publish(releasesTopic, told);
          const survivor = yield* Effect.acquireRelease(start(url, directories[0]), kill);
          let victim = yield* start(url, directories[1]);
          yield* Effect.addFinalizer(() => kill(victim));
          let published = told.length;
          const publish = Effect.gen(function* () {
            for (let round = 0; round < ROUNDS; round++) {
              const events = applications.flatMap((application) =>
                wayTo(`rel-${round}`).blocked.map((one) => ({ ...one, application })),
              );
              published += events.length;
              yield* bus.publish(releasesTopic, events);
              yield* Effect.sleep(`${(round * 37) % 60} millis`);
            }
          });
          const disturb = Effect.gen(function* () {
            for (let n = 0; n < KILLS; n++) {
              yield* Effect.sleep(`${(n * 173) % 400} millis`);
              yield* kill(victim);
              victim = yield* start(url, directories[1]);
            }
          });
          yield* Effect.all([publish, disturb], { concurrency: "unbounded", discard: true });
          while ((yield* store.end) < published) yield* Effect.sleep("50 millis");
          assert.strictEqual(yield* store.end, published);

          const rows = [];
          for (let after = 0; ; after += 1_000) {
            const page = yield* store.read({ after, limit: 1_000 });
            rows.push(...page);
            if (page.length === 0) break;
          }
          const places = rows.map(({ partition, offset }) => `${partition}/${offset}`);
          assert.strictEqual(new Set(places).size, published);
          for (const partition of new Set(rows.map((row) => row.partition)))
            assert.deepStrictEqual(
              rows.filter((row) => row.partition === partition).map((row) => row.offset),
              Array.from({ length: rows.filter((row) => row.partition === partition).length }, (_, n) => n),
            );
          // Both sign, with one key: whatever either has ever signed is the record that is there now.
          const kept = yield* store.checkpoints;
          for (const path of directories) {
            const outside = { ...(yield* new CheckpointDirectory(path).read), where: path };
            const { signed, faults } = signedRecord(
              key,
              kept.map(({ note }) => note),
              outside,
            );
            assert.isAbove(outside.notes.length, 0);
            assert.deepStrictEqual([...faults, ...(yield* verifyRecord(signed)).faults], []);
          }
          assert.strictEqual(survivor.exitCode, null);
        }).pipe(
          Effect.provide(
            Layer.provide(Layer.mergeAll(EventBus.layerPostgres(), layerPostgres), layerPg({ connectionString: url })),
          ),
        );
      }).pipe(Effect.scoped, Effect.timeout("55 seconds")),
  );
