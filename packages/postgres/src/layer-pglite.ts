import { mkdir } from "node:fs/promises";
import { PGlite } from "@electric-sql/pglite";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Semaphore from "effect/Semaphore";
import { Database, type DatabaseError } from "./database.ts";
import { lockDirectory } from "./directory-lock.ts";
import { databaseErrorOf, queriesOn, type Session, type WithSession } from "./sessions.ts";

export interface PGliteSettings {
  /** Where the data lives (one process at a time); null keeps it in memory. */
  readonly directory: string | null;
}

/** The gateway answers users from this same process: nobody may hold its event loop for longer than this. */
const TURN_MS = 8;

/**
 * PGlite works in microtasks: a row of queries, each begun as the one before ends, would keep sockets and timers waiting
 * until the last. This lets them have their turn in between.
 */
const fairness = () => {
  let since = performance.now();
  return async (): Promise<void> => {
    if (performance.now() - since < TURN_MS) return;
    await new Promise((resolve) => setImmediate(resolve));
    since = performance.now();
  };
};

const make = Effect.fn("Database.openPGlite")(function* ({ directory }: PGliteSettings) {
  if (directory !== null) yield* lockDirectory(directory);
  const pglite = yield* Effect.acquireRelease(
    Effect.tryPromise({
      try: async () => {
        if (directory !== null) await mkdir(directory, { recursive: true });
        return PGlite.create(directory === null ? {} : { dataDir: directory });
      },
      catch: (cause) => databaseErrorOf("open", cause),
    }),
    (opened) => Effect.promise(() => opened.close()),
  );

  const yieldToOthers = fairness();
  const session: Session = {
    query: async (text, parameters) => {
      const { rows } = await pglite.query<object>(text, [...parameters]);
      await yieldToOthers();
      return rows;
    },
    script: (text) => pglite.exec(text),
  };
  // There is one session: a transaction keeps all others out, first come, first served.
  const turn = yield* Semaphore.make(1);
  const withSession: WithSession = (use) => Semaphore.withPermit(turn, use(session));

  const listen = Effect.fn("Database.listen")(function* (channel: string, callback: (payload: string) => void) {
    yield* Effect.acquireRelease(
      withSession(() =>
        Effect.tryPromise({
          try: () => pglite.listen(channel, callback),
          catch: (cause) => databaseErrorOf("listen", cause),
        }),
      ),
      (unlisten) => Effect.ignore(withSession(() => Effect.promise(() => unlisten()))),
    );
  });

  return Database.of({ embedded: true, owner: null, ...queriesOn(withSession), listen });
});

/** Postgres in this process. A directory in use is refused in one sentence that names it and its owner's pid. */
export const layerPGlite = (settings: PGliteSettings): Layer.Layer<Database, DatabaseError> =>
  Layer.effect(Database, make(settings));
