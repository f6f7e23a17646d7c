import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { Routing } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type { KnownRouting } from "../domain/routing-table.ts";

const RoutingFile = Schema.Struct({
  version: Schema.Literal(1),
  routings: Schema.Array(Schema.Struct({ routing: Routing, heardAtMs: Schema.Finite })),
});
const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(RoutingFile));

/** The file is there and cannot be used: a sentence for the operator. */
export class RoutingFileError extends Schema.TaggedError<RoutingFileError>()("RoutingFileError", {
  message: Schema.String,
}) {}

/** What was last written; nothing when there is no file yet. */
export const readRoutingFile = Effect.fn("readRoutingFile")(function* (path: string) {
  const text = yield* Effect.tryPromise({
    try: () => readFile(path, "utf8"),
    catch: (error) => error,
  }).pipe(
    Effect.catch((error) =>
      isNotFound(error)
        ? Effect.succeed(null)
        : Effect.fail(new RoutingFileError({ message: `${path} cannot be read: ${String(error)}` })),
    ),
  );
  if (text === null) return [];
  const file = yield* decode(text).pipe(
    Effect.mapError(
      () =>
        new RoutingFileError({
          message: `${path} holds no routing that this version understands; it is ignored until the bus is heard.`,
        }),
    ),
  );
  return file.routings;
});

const isNotFound = (error: unknown): boolean =>
  typeof error === "object" && error !== null && "code" in error && error.code === "ENOENT";

/**
 * Keeps the file in step with memory: one write at a time, the newest state last, by atomic rename, so that a crash
 * leaves the old file or the new one.
 */
export class RoutingFileWriter {
  readonly #path: string;
  readonly #state: () => ReadonlyArray<KnownRouting>;
  readonly #onFailure: (message: string) => void;
  #writing: Promise<void> | null = null;
  #dirty = false;
  #writtenAtMs = 0;

  constructor(path: string, state: () => ReadonlyArray<KnownRouting>, onFailure: (message: string) => void) {
    this.#path = path;
    this.#state = state;
    this.#onFailure = onFailure;
  }

  /** Something changed: write as soon as possible. */
  changed(): void {
    this.#dirty = true;
    this.#writing ??= this.#drain().finally(() => {
      this.#writing = null;
      if (this.#dirty) this.changed();
    });
  }

  /** A sign of life came: worth writing at most once a second. */
  heard(nowMs: number): void {
    if (nowMs - this.#writtenAtMs >= 1_000) this.changed();
  }

  async settled(): Promise<void> {
    while (this.#writing) await this.#writing;
  }

  async #drain(): Promise<void> {
    while (this.#dirty) {
      this.#dirty = false;
      this.#writtenAtMs = Date.now();
      try {
        await this.#write();
      } catch (error) {
        this.#onFailure(`${this.#path} cannot be written: ${String(error)}`);
      }
    }
  }

  async #write(): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true });
    const temporary = `${this.#path}.new`;
    const file = await open(temporary, "w", 0o600);
    try {
      await file.writeFile(JSON.stringify({ version: 1, routings: this.#state() }));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, this.#path);
  }
}
