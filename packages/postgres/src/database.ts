import * as Context from "effect/Context";
import type * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type * as Scope from "effect/Scope";

export class DatabaseError extends Schema.TaggedError<DatabaseError>()("DatabaseError", {
  operation: Schema.Literals(["open", "query", "transaction", "listen", "migrate"]),
  /** The server's sentence. Parameters are no part of it: payloads and secrets never reach a log. */
  message: Schema.String,
  /** Null when the server was not reached. */
  sqlState: Schema.NullOr(Schema.String),
}) {}

/** What one can do with a Postgres database. */
export interface DatabaseAccess {
  /** True when the database lives in this process: nobody else can read or write it. */
  readonly embedded: boolean;
  /** The same database as another role, which owns the tables; null where this one does. */
  readonly owner: DatabaseAccess | null;
  /** One statement with `$1…` parameters. Inside `transaction` it is part of the transaction. bigint comes as number. */
  readonly query: <Row extends object = Record<string, unknown>>(
    text: string,
    parameters?: ReadonlyArray<unknown>,
  ) => Effect.Effect<ReadonlyArray<Row>, DatabaseError>;
  /** Several statements without parameters: definitions. */
  readonly script: (text: string) => Effect.Effect<void, DatabaseError>;
  /**
   * Every query of `body` (and of the effects it runs) commits together, or not at all when it fails or is interrupted.
   * A transaction within a transaction joins it. Keep bodies short: an embedded database has one session.
   */
  readonly transaction: <A, E, R>(body: Effect.Effect<A, E, R>) => Effect.Effect<A, E | DatabaseError, R>;
  /** Calls back for each NOTIFY on the channel until the scope closes. A hint: notifications may be missed, so also poll. */
  readonly listen: (
    channel: string,
    callback: (payload: string) => void,
  ) => Effect.Effect<void, DatabaseError, Scope.Scope>;
}

/** One Postgres database, embedded or a server. All users of it share this one service. */
export class Database extends Context.Service<Database, DatabaseAccess>()("@sluice/Database") {}
