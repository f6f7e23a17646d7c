import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { exitCodes } from "../exit.ts";
import { written } from "./audit-export.ts";

const folder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "sluice-export-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true })),
);

describe("the file of an export", () => {
  it.effect("that is a directory is a fault of usage, and leaves nothing beside it", () =>
    Effect.gen(function* () {
      const parent = yield* folder;
      const inner = yield* Effect.promise(() => mkdtemp(join(parent, "out-")));
      const exit = yield* Effect.flip(written(inner, (write) => write("{}\n")));
      assert.strictEqual(exit.code, exitCodes.usage);
      assert.strictEqual(exit.sentence, `${inner} cannot be written (EISDIR); name a file in a directory that exists`);
      assert.lengthOf(yield* Effect.promise(() => readdir(parent)), 1);
    }),
  );

  it.effect("in a directory that is not there, or with a name too long, is a fault of usage", () =>
    Effect.gen(function* () {
      const parent = yield* folder;
      for (const file of [join(parent, "missing", "x.json"), join(parent, "a".repeat(5000))]) {
        const exit = yield* Effect.flip(written(file, (write) => write("{}\n")));
        assert.strictEqual(exit.code, exitCodes.usage);
        assert.match(exit.sentence ?? "", /cannot be written \(E(NOENT|NAMETOOLONG)\); name a file in a directory/u);
      }
    }),
  );
});
