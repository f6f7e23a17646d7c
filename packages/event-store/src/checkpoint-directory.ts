import { mkdir, open, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";

/** The directory could not be read or written. */
export class CheckpointDirectoryError extends Schema.TaggedError<CheckpointDirectoryError>()(
  "CheckpointDirectoryError",
  { message: Schema.String },
) {}

/** Bytes of a hash. */
const HASH = 32;
const files = { latest: "checkpoint", all: "checkpoints.jsonl", leaves: "leaves" } as const;

export interface KeptOutside {
  /** Signed notes in the order in which they were written. */
  readonly notes: ReadonlyArray<string>;
  /** The hash of the row at a position; null where none was kept. */
  readonly leaf: (position: number) => string | null;
  readonly leaves: number;
}

/**
 * What is kept of the record where the database's owner need not be able to write: `checkpoints.jsonl` with every signed
 * note, `checkpoint` with the last one, and `leaves` with the rows' hashes, 32 bytes each in the order of the record. With
 * it a database that was rewritten from some row on, hashes and all, is found out, and that row is named.
 */
export class CheckpointDirectory {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Rows whose hash is kept. */
  readonly leaves = Effect.suspend(() =>
    this.#attempt("read", async () => {
      const file = await this.#openLeaves();
      try {
        return Math.floor((await file.stat()).size / HASH);
      } finally {
        await file.close();
      }
    }),
  );

  /**
   * Keeps the hashes of the rows after `after`. A place always gets the same bytes, so two registries with one directory
   * write over each other without harm.
   */
  keepLeaves(after: number, hashes: ReadonlyArray<string>): Effect.Effect<void, CheckpointDirectoryError> {
    return this.#attempt("written", async () => {
      const file = await this.#openLeaves();
      try {
        await file.write(Buffer.from(hashes.join(""), "hex"), 0, hashes.length * HASH, after * HASH);
        await file.datasync();
      } finally {
        await file.close();
      }
    });
  }

  /** Once all of its leaves are kept. */
  keepNote(note: string): Effect.Effect<void, CheckpointDirectoryError> {
    return this.#attempt("written", async () => {
      const all = await open(join(this.path, files.all), "a");
      try {
        await all.appendFile(`${JSON.stringify({ note })}\n`);
        await all.datasync();
      } finally {
        await all.close();
      }
      const next = join(this.path, `${files.latest}.${process.pid}`);
      await writeFile(next, note);
      await rename(next, join(this.path, files.latest));
    });
  }

  readonly read: Effect.Effect<KeptOutside, CheckpointDirectoryError> = Effect.suspend(() =>
    this.#attempt("read", async () => {
      const leaves = await readOrNothing(join(this.path, files.leaves));
      const lines = (await readOrNothing(join(this.path, files.all))).toString("utf8").split("\n");
      return {
        // A stop may have left the last line unfinished: then its note was never told to anybody.
        notes: lines.flatMap((line) => noteOf(line) ?? []),
        leaf: (position: number) => {
          const at = (position - 1) * HASH;
          return position > 0 && at + HASH <= leaves.length ? leaves.toString("hex", at, at + HASH) : null;
        },
        leaves: Math.floor(leaves.length / HASH),
      };
    }),
  );

  async #openLeaves() {
    await mkdir(this.path, { recursive: true });
    const path = join(this.path, files.leaves);
    // Not opened to append: a place is written by its position.
    return open(path, "r+").catch(() => open(path, "w+"));
  }

  #attempt<A>(what: "read" | "written", run: () => Promise<A>): Effect.Effect<A, CheckpointDirectoryError> {
    return Effect.tryPromise({
      try: run,
      catch: (cause) =>
        new CheckpointDirectoryError({
          message: `the checkpoints in ${this.path} cannot be ${what}: ${cause instanceof Error ? cause.message : String(cause)}`,
        }),
    });
  }
}

const readOrNothing = (path: string): Promise<Buffer> =>
  readFile(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return Buffer.alloc(0);
    throw cause;
  });

const noteOf = (line: string): string | null => {
  try {
    const { note } = JSON.parse(line) as { readonly note?: unknown };
    return typeof note === "string" ? note : null;
  } catch {
    return null;
  }
};
