import type { ApplicationName, ReleaseId, ReleasePassport } from "@sluice/contracts";
import { EventStore, type StoredEvent } from "@sluice/event-store";
import { buildPassport } from "@sluice/passport";
import { openCheckpoint, readVerifierKey } from "@sluice/transparency";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { AuditLog, NotSigned } from "./audit-log.ts";
import { NotFound } from "./requests.ts";

/** Rows of an application that one passport may hold. */
const MAX_ROWS = 20_000;

/** The passport of a release that is on record, over a checkpoint of this moment. */
export const passportOf = Effect.fn("passportOf")(function* (application: ApplicationName, releaseId: ReleaseId) {
  const audit = yield* AuditLog;
  const { key, tree } = audit;
  const { size, note } = yield* audit.checkpoint;
  if (!key) return yield* new NotSigned({ message: "this registry has no signing key; see docs/audit.md" });
  const rows = yield* rowsAround(application, releaseId, size);
  const first = rows[0];
  if (!first) return yield* new NotFound({ message: `release ${releaseId} is not on record yet; try again` });
  const inclusions = new Map<number, ReadonlyArray<string>>();
  for (const row of rows)
    if (row.releaseId === releaseId) inclusions.set(row.position, yield* tree.inclusion(row.position, size));
  const earlier = yield* earlierOf(key.verifierKey, first.position, size);
  return buildPassport({ application, releaseId, rows, checkpoint: note, earlier, inclusions, key });
});

/** Every row of the application from the release's first to its last, as far as they are signed. */
const rowsAround = Effect.fnUntraced(function* (application: ApplicationName, releaseId: ReleaseId, size: number) {
  const own = yield* pages({ application, releaseId }, 0, size);
  const [first, last] = [own[0], own.at(-1)];
  if (!first || !last) return own;
  return yield* pages({ application }, first.position - 1, last.position);
});

const pages = Effect.fnUntraced(function* (
  of: { readonly application: ApplicationName; readonly releaseId?: ReleaseId },
  from: number,
  to: number,
) {
  const store = yield* EventStore;
  const rows: Array<StoredEvent> = [];
  for (let after = from; after < to; ) {
    const page = yield* store.read({ ...of, after, limit: 1_000 });
    rows.push(...page.filter(({ position }) => position <= to));
    if (rows.length > MAX_ROWS)
      return yield* new NotSigned({
        message: `the release spans more than ${MAX_ROWS} rows of ${of.application}; export the whole record with sluice audit export --all`,
      });
    after = page.at(-1)?.position ?? to;
  }
  return rows;
});

/** The last checkpoint from before the release, and what connects it with the one of now. */
const earlierOf = Effect.fnUntraced(function* (verifierKey: string, firstPosition: number, size: number) {
  const store = yield* EventStore;
  const { tree } = yield* AuditLog;
  const key = Result.getOrThrow(readVerifierKey(verifierKey));
  const before = (yield* store.checkpoints)
    .flatMap(({ note }) => {
      const opened = openCheckpoint(note, key);
      return Result.isSuccess(opened) && opened.success.size > 0 && opened.success.size < firstPosition
        ? [{ note, size: opened.success.size }]
        : [];
    })
    .at(-1);
  if (!before) return null;
  const consistency = yield* tree.consistency(before.size, size);
  return { checkpoint: before.note, consistency } satisfies ReleasePassport["earlier"];
});
