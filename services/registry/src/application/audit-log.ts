import { timestampOf } from "@sluice/contracts";
import {
  CheckpointDirectory,
  type CheckpointDirectoryError,
  EventStore,
  type EventStoreError,
  RecordTree,
  signedRecord,
  type Verification,
  verifyRecord,
} from "@sluice/event-store";
import {
  type Checkpoint,
  openCheckpoint,
  readSigningKey,
  readVerifierKey,
  type SigningKey,
  signCheckpoint,
  type VerifierKey,
} from "@sluice/transparency";
import * as Clock from "effect/Clock";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as PubSub from "effect/PubSub";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import * as Semaphore from "effect/Semaphore";
import type { RegistrySettings } from "../settings.ts";
import type { Recorder } from "./recorder.ts";

/** Nothing is signed: there is no key, or the record is not the one that was signed before. */
export class NotSigned extends Schema.TaggedError<NotSigned>()("NotSigned", { message: Schema.String }) {}

export interface Signed {
  readonly size: number;
  readonly root: string;
  readonly note: string;
}

type Failure = NotSigned | EventStoreError | CheckpointDirectoryError;

/** The record's tree, and what this registry signs of it. */
export class AuditLog extends Context.Service<
  AuditLog,
  {
    /** Null where the registry has no key. */
    readonly key: SigningKey | null;
    readonly tree: RecordTree;
    /** A checkpoint over all rows of the moment; the last one again when nothing was added. */
    readonly checkpoint: Effect.Effect<Signed, Failure>;
    readonly verify: Effect.Effect<Verification, EventStoreError | CheckpointDirectoryError>;
  }
>()("@sluice/registry/AuditLog") {}

/**
 * Signs the tree of the record at bounded intervals while it grows, and once more at the end. A registry only ever signs
 * what continues the newest checkpoint that it finds: two different records under one key would be worth nothing.
 */
export const startAuditLog = Effect.fn("startAuditLog")(function* (settings: RegistrySettings, recorder: Recorder) {
  const store = yield* EventStore;
  const keys = yield* keysOf(settings);
  const directory =
    settings.checkpointDirectory === null ? null : new CheckpointDirectory(settings.checkpointDirectory);
  const tree = new RecordTree();
  const turn = yield* Semaphore.make(1);
  let last: Signed | null = null;
  const provided = <A, E>(effect: Effect.Effect<A, E, EventStore>) => Effect.provideService(effect, EventStore, store);

  const kept = Effect.gen(function* () {
    const notes = (yield* store.checkpoints).map(({ note }) => note);
    const outside = directory && { ...(yield* directory.read), where: directory.path };
    return { notes, outside };
  });

  /** The newest checkpoint of this key that anybody was told of. */
  const newest = Effect.fnUntraced(function* (key: VerifierKey) {
    const { notes, outside } = yield* kept;
    return [...notes, ...(outside?.notes ?? [])]
      .map((note) => openCheckpoint(note, key))
      .reduce<Checkpoint | null>(
        (best, opened) => (Result.isSuccess(opened) && opened.success.size > (best?.size ?? 0) ? opened.success : best),
        null,
      );
  });

  const continues = Effect.fnUntraced(function* (key: VerifierKey) {
    const before = yield* newest(key);
    if (!before) return;
    const root = before.size <= tree.size ? yield* tree.rootOf({ from: 0, to: before.size }) : null;
    if (root !== before.root)
      return yield* new NotSigned({
        message: `the record is not the one that was signed: its first ${before.size} rows ${root === null ? "are not all there" : "are others"}; sluice audit verify names them`,
      });
  });

  const keepLeaves = Effect.fnUntraced(function* (outside: CheckpointDirectory, size: number) {
    for (let after = yield* outside.leaves; after < size; ) {
      const hashes = yield* store.hashes({ after, limit: size - after });
      yield* outside.keepLeaves(after, hashes);
      after += hashes.length;
    }
  });

  const sign = Effect.fnUntraced(function* () {
    if (!keys) return yield* new NotSigned({ message: "this registry has no signing key; see docs/audit.md" });
    yield* provided(tree.catchUp);
    if (last === null) yield* provided(continues(keys.verifier));
    const [size, root] = [tree.size, tree.root()];
    if (last?.size === size) return last;
    const note = signCheckpoint({ size, root }, keys.signing);
    if (directory) yield* keepLeaves(directory, size);
    yield* store.keepCheckpoint({ size, note, signedAt: timestampOf(yield* Clock.currentTimeMillis) });
    if (directory) yield* directory.keepNote(note);
    last = { size, root, note };
    return last;
  });
  const checkpoint = Semaphore.withPermit(turn, Effect.suspend(sign));

  const verify = Effect.gen(function* () {
    if (!keys) return yield* provided(verifyRecord());
    const { notes, outside } = yield* kept;
    const { signed, faults } = signedRecord(keys.verifier, notes, outside);
    const found = yield* provided(verifyRecord(signed));
    return { ...found, faults: [...found.faults, ...faults] };
  });

  if (keys) {
    const inTheBackground = checkpoint.pipe(
      Effect.catch((error) =>
        (error._tag === "NotSigned" ? Effect.logError : Effect.logWarning)(
          `no checkpoint was signed: ${error.message}`,
        ),
      ),
      // A defect is tried again like a failure: else nothing more would be signed until the next start.
      Effect.catchDefect((defect) =>
        Effect.logError(`no checkpoint was signed: ${defect instanceof Error ? defect.message : String(defect)}`),
      ),
    );
    const hints = yield* PubSub.subscribe(recorder.appended);
    yield* Effect.addFinalizer(() => inTheBackground);
    yield* Effect.forkScoped(
      Effect.andThen(
        inTheBackground,
        Effect.forever(
          Effect.andThen(
            PubSub.take(hints),
            Effect.andThen(Effect.sleep(`${settings.checkpointSeconds} seconds`), inTheBackground),
          ),
        ),
      ),
    );
  }
  return AuditLog.of({ key: keys?.signing ?? null, tree, checkpoint, verify });
});

const keysOf = ({ signingKey }: RegistrySettings) => {
  if (signingKey === null) return Effect.succeed(null);
  return Effect.fromResult(
    Result.gen(function* () {
      const signing = yield* readSigningKey(signingKey);
      return { signing, verifier: yield* readVerifierKey(signing.verifierKey) };
    }),
  ).pipe(Effect.mapError((sentence) => new NotSigned({ message: `the signing key ${sentence}` })));
};
