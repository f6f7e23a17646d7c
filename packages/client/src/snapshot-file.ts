import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { Bundle, Digest, ReleaseState } from "@sluice/contracts";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { isTrue, type Snapshot } from "./domain/snapshot.ts";

const SnapshotSchema = Schema.Struct({
  version: Schema.Literal(1),
  state: ReleaseState,
  bundles: Schema.Record(Digest, Bundle),
  heardAtMs: Schema.Finite,
});
const decode = Schema.decodeUnknownResult(SnapshotSchema);

/** The snapshot in a value from outside; null when it is none, of another application, or not what its digests say. */
export const snapshotFrom = (value: unknown, application: string): Snapshot | null => {
  const decoded = decode(value);
  if (Result.isFailure(decoded)) return null;
  return decoded.success.state.application === application && isTrue(decoded.success) ? decoded.success : null;
};

/** Last known good state on disk. Written by atomic rename, one write at a time, the newest last. */
export class SnapshotFile {
  readonly #directory: string;
  readonly #application: string;
  #next: Snapshot | null = null;
  #writing: Promise<void> | null = null;

  constructor(directory: string, application: string) {
    this.#directory = directory;
    this.#application = application;
  }

  /** Null where there is none that can be used: the client then goes on to what was bundled with it. */
  async read(): Promise<Snapshot | null> {
    try {
      return snapshotFrom(JSON.parse(await readFile(this.#path, "utf8")), this.#application);
    } catch {
      return null;
    }
  }

  /** A disk that fails must not stop who serves: it is the caller's to say so. */
  write(snapshot: Snapshot, onFailure: (sentence: string) => void): void {
    this.#next = snapshot;
    this.#writing ??= this.#drain(onFailure).finally(() => {
      this.#writing = null;
    });
  }

  async settled(): Promise<void> {
    while (this.#writing) await this.#writing;
  }

  get #path(): string {
    return join(this.#directory, `${this.#application}.json`);
  }

  async #drain(onFailure: (sentence: string) => void): Promise<void> {
    while (this.#next) {
      const snapshot = this.#next;
      this.#next = null;
      try {
        await this.#replace(JSON.stringify(snapshot));
      } catch (error) {
        onFailure(`${this.#path} cannot be written: ${String(error)}`);
      }
    }
  }

  async #replace(text: string): Promise<void> {
    await mkdir(this.#directory, { recursive: true });
    const temporary = `${this.#path}.new`;
    const file = await open(temporary, "w", 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, this.#path);
  }
}
