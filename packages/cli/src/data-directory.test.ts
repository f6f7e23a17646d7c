import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { usableDirectory } from "./data-directory.ts";
import { exitCodes } from "./exit.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-data-"));
afterAll(() => rmSync(folder, { recursive: true }));

const refusal = (directory: string) => Effect.flip(usableDirectory("--data", directory));

describe("a directory to write to", () => {
  it.effect("is made, with those above it, and may be there already", () =>
    Effect.gen(function* () {
      const directory = join(folder, "a", "b");
      yield* usableDirectory("--data", directory);
      yield* usableDirectory("--data", directory);
      assert.isTrue(existsSync(directory));
    }),
  );

  it.effect("that is a file, or below one, is a fault of usage", () =>
    Effect.gen(function* () {
      const file = join(folder, "file");
      writeFileSync(file, "mine");
      for (const directory of [file, join(file, "below", "it")]) {
        const { code, sentence } = yield* refusal(directory);
        assert.strictEqual(code, exitCodes.usage);
        assert.strictEqual(sentence, `--data is ${directory}, which is a file or below one; name a directory`);
      }
    }),
  );

  it.effect.skipIf(!existsSync("/proc/self"))("that no system makes is a fault of usage, and nothing hangs", () =>
    Effect.gen(function* () {
      const { code, sentence } = yield* refusal("/proc/sluice/data");
      assert.strictEqual(code, exitCodes.usage);
      assert.match(sentence ?? "", /^--data is \/proc\/sluice\/data, where nothing can be written \(E[A-Z]+\); name/u);
    }),
  );
});
