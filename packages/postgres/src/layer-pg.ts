import * as Cause from "effect/Cause";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Layer from "effect/Layer";
import * as Schedule from "effect/Schedule";
import pg from "pg";
import { Database, type DatabaseAccess, DatabaseError } from "./database.ts";
import { databaseErrorOf, queriesOn, type WithSession } from "./sessions.ts";

export interface PgSettings {
  /** `postgres://user:password@host:port/database`; never logged. */
  readonly connectionString: string;
  /** The same database as the role that owns the tables: it migrates, and nothing else. Without it this role owns them. */
  readonly ownerConnectionString?: string;
  readonly maxConnections?: number;
  /** A statement that takes longer is cancelled by the server. */
  readonly statementTimeoutMs?: number;
}

/** Positions and offsets are bigint in the database and safe integers here. */
const INT8 = 20;
const types: pg.CustomTypesConfig = {
  getTypeParser: (id, format) => (id === INT8 ? Number : pg.types.getTypeParser(id, format)),
};

/** Tells the failure and goes on: without a listener a lost connection ends the process. */
const survive = (emitter: { on: (event: "error", listener: (error: Error) => void) => unknown }) =>
  emitter.on("error", () => {});

/**
 * A client must not be lent again when it was interrupted, because its statement may still run, nor when its connection
 * is lost (08…, 57P…) or never answered: the pool hears of that too late.
 */
const unusable = (exit: Exit.Exit<unknown, unknown>): boolean => {
  if (Exit.isSuccess(exit)) return false;
  const error = Cause.squash(exit.cause);
  const lost = error instanceof DatabaseError && (error.sqlState === null || /^(08|57P)/.test(error.sqlState));
  return lost || Cause.hasInterrupts(exit.cause);
};

const open = Effect.fn("Database.openPg")(function* (settings: PgSettings, owner: DatabaseAccess | null) {
  const connection = { connectionString: settings.connectionString, connectionTimeoutMillis: 5_000, types };
  const pool = yield* Effect.acquireRelease(
    Effect.sync(
      () =>
        new pg.Pool({
          ...connection,
          max: settings.maxConnections ?? 10,
          statement_timeout: settings.statementTimeoutMs ?? 30_000,
          keepAlive: true,
        }),
    ),
    (opened) => Effect.promise(() => opened.end()),
  );
  survive(pool);
  pool.on("connect", survive);

  const withSession: WithSession = (use) =>
    Effect.acquireUseRelease(
      Effect.tryPromise({ try: () => pool.connect(), catch: (cause) => databaseErrorOf("open", cause) }),
      (client) =>
        use({
          query: async (text, parameters) => (await client.query(text, [...parameters])).rows,
          script: (text) => client.query(text),
        }),
      (client, exit) => Effect.sync(() => client.release(unusable(exit))),
    );

  const listen = Effect.fn("Database.listen")(function* (channel: string, callback: (payload: string) => void) {
    yield* Effect.forkScoped(
      Effect.retry(
        listenOnce(connection, channel, callback),
        Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("5 seconds")]),
      ),
    );
  });

  yield* withSession((session) =>
    Effect.tryPromise({ try: () => session.query("select 1", []), catch: (cause) => databaseErrorOf("open", cause) }),
  );
  return Database.of({ embedded: false, owner, ...queriesOn(withSession), listen });
});

const make = Effect.fnUntraced(function* ({ ownerConnectionString, ...settings }: PgSettings) {
  if (ownerConnectionString === undefined) return yield* open(settings, null);
  const owner = yield* open({ ...settings, connectionString: ownerConnectionString, maxConnections: 1 }, null);
  return yield* open(settings, owner);
});

/** Listens on a connection of its own; fails when that is lost. */
const listenOnce = (connection: pg.ClientConfig, channel: string, callback: (payload: string) => void) =>
  Effect.acquireUseRelease(
    Effect.sync(() => new pg.Client(connection)),
    (client) =>
      Effect.callback<never, DatabaseError>((resume) => {
        const fail = (cause: unknown) => resume(Effect.fail(databaseErrorOf("listen", cause)));
        client.on("error", fail);
        client.on("end", () => fail(new Error("the connection was closed")));
        client.on("notification", (message) => callback(message.payload ?? ""));
        client
          .connect()
          .then(() => client.query(`listen ${pg.escapeIdentifier(channel)}`))
          // Whatever was notified while nobody listened is looked for now.
          .then(() => callback(""), fail);
      }),
    (client) => Effect.promise(() => client.end().catch(() => {})),
  );

/** A Postgres server, through a pool. */
export const layerPg = (settings: PgSettings): Layer.Layer<Database, DatabaseError> =>
  Layer.effect(Database, make(settings));
