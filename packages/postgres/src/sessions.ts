import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import { type Database, DatabaseError } from "./database.ts";

/** One connection, as the drivers have it. */
export interface Session {
  readonly query: (text: string, parameters: ReadonlyArray<unknown>) => Promise<ReadonlyArray<object>>;
  readonly script: (text: string) => Promise<unknown>;
}

/** Lends a session of its own to `use`, and takes it back. */
export type WithSession = <A, E, R>(
  use: (session: Session) => Effect.Effect<A, E, R>,
) => Effect.Effect<A, E | DatabaseError, R>;

interface Open {
  readonly owner: object;
  readonly session: Session;
  open: boolean;
}

/** The transaction that the running fiber is in. Its queries join it, so that nobody waits for himself. */
const CurrentTransaction = Context.Reference<Open | null>("@sluice/CurrentTransaction", { defaultValue: () => null });

export const databaseErrorOf = (operation: DatabaseError["operation"], cause: unknown): DatabaseError => {
  const message = cause instanceof Error ? cause.message || cause.name : String(cause);
  const code = cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : null;
  return new DatabaseError({ operation, message, sqlState: code && /^[0-9A-Z]{5}$/.test(code) ? code : null });
};

/** What both drivers have in common: queries that find their transaction, and transactions. */
export const queriesOn = (withSession: WithSession): Pick<Database["Service"], "query" | "script" | "transaction"> => {
  const owner = {};
  const inSession = <A, E, R>(use: (session: Session) => Effect.Effect<A, E, R>) =>
    Effect.flatMap(CurrentTransaction, (current) =>
      current?.owner === owner && current.open ? use(current.session) : withSession(use),
    );

  const transaction = <A, E, R>(body: Effect.Effect<A, E, R>): Effect.Effect<A, E | DatabaseError, R> =>
    Effect.flatMap(CurrentTransaction, (current) =>
      current?.owner === owner && current.open ? body : withSession((session) => inTransaction(owner, session, body)),
    );

  return {
    query: <Row extends object>(text: string, parameters: ReadonlyArray<unknown> = []) =>
      // The caller names the columns of its own statement; nothing in SQL could check them earlier.
      inSession((session) => attempt("query", () => session.query(text, parameters))) as Effect.Effect<
        ReadonlyArray<Row>,
        DatabaseError
      >,
    script: (text) => Effect.asVoid(inSession((session) => attempt("query", () => session.script(text)))),
    transaction,
  };
};

const attempt = <A>(operation: DatabaseError["operation"], run: () => Promise<A>) =>
  Effect.tryPromise({ try: run, catch: (cause) => databaseErrorOf(operation, cause) });

const inTransaction = <A, E, R>(owner: object, session: Session, body: Effect.Effect<A, E, R>) =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const current: Open = { owner, session, open: true };
      yield* attempt("transaction", () => session.script("begin"));
      const exit = yield* Effect.exit(restore(Effect.provideService(body, CurrentTransaction, current)));
      current.open = false;
      if (Exit.isSuccess(exit)) {
        yield* attempt("transaction", () => session.script("commit"));
        return exit.value;
      }
      // A failed rollback means a lost connection, which rolls back by itself; the cause is what matters.
      yield* Effect.ignore(attempt("transaction", () => session.script("rollback")));
      return yield* Effect.failCause(exit.cause);
    }),
  );
