import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
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
  it.effect("that is there already, be it a directory, is left as it is, with nothing beside it", () =>
    Effect.gen(function* () {
      const parent = yield* folder;
      const inner = yield* Effect.promise(() => mkdtemp(join(parent, "out-")));
      const file = join(parent, "record.jsonl");
      yield* written(file, (write) => write("mine\n"));
      for (const there of [inner, file]) {
        const exit = yield* Effect.flip(written(there, (write) => write("{}\n")));
        assert.strictEqual(exit.code, exitCodes.usage);
        assert.strictEqual(exit.sentence, `${there} is there already; name another file with --out, or remove it`);
      }
      assert.strictEqual(yield* Effect.promise(() => readFile(file, "utf8")), "mine\n");
      assert.lengthOf(yield* Effect.promise(() => readdir(parent)), 2);
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
