import * as Effect from "effect/Effect";

/** The earliest minute of the rows of each application, in epoch milliseconds. */
export type Minutes = ReadonlyMap<string, number>;

/** Rows that this process is inserting: whether a statement has read them already nobody knows. */
export class RowsOnTheirWay {
  readonly #inserts = new Set<Minutes>();

  /** Not to be interrupted: a statement that nobody waits for is still on its way. */
  during<A, E>(minutes: Minutes, insert: Effect.Effect<A, E>): Effect.Effect<A, E> {
    return Effect.uninterruptible(
      Effect.suspend(() => {
        this.#inserts.add(minutes);
        return Effect.ensuring(
          insert,
          Effect.sync(() => this.#inserts.delete(minutes)),
        );
      }),
    );
  }

  /** Infinity where there are none. */
  earliest(application: string): number {
    return Math.min(
      ...[...this.#inserts].map((minutes) => minutes.get(application) ?? Number.POSITIVE_INFINITY),
      Number.POSITIVE_INFINITY,
    );
  }
}
