import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { TestClock } from "effect/testing";
import { instant, instantOrIn } from "./instant.ts";

const NOW = Date.UTC(2026, 0, 31, 9);

describe("an instant of a flag", () => {
  it.effect("comes in many forms", () =>
    Effect.gen(function* () {
      for (const given of ["2026-01-31T09:00:00Z", "2026-01-31 10:00:00 +0100", "2026-01-31T09:00:00.000+00:00"])
        assert.strictEqual(yield* instant("--since", given), "2026-01-31T09:00:00.000Z");
    }),
  );

  it.effect.each(["5", "yesterday", "2026-13-01", "May 5"])("%s is none", (given) =>
    Effect.gen(function* () {
      const { code, sentence } = yield* Effect.flip(instant("--since", given));
      assert.strictEqual(code, 2);
      assert.strictEqual(sentence, `--since is ${given}; give an instant such as 2026-01-31T09:00:00Z`);
    }),
  );

  it.effect("that something ends at is to come", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(NOW);
      assert.strictEqual(yield* instantOrIn("--until", "90m"), "2026-01-31T10:30:00.000Z");
      assert.strictEqual(yield* instantOrIn("--until", "2026-02-01T00:00:00Z"), "2026-02-01T00:00:00.000Z");
      for (const given of ["0m", "2026-01-31T09:00:00Z", "2020-01-01T00:00:00Z"]) {
        const { code, sentence } = yield* Effect.flip(instantOrIn("--until", given));
        assert.strictEqual(code, 2);
        assert.strictEqual(sentence, `--until is ${given}, which is over; give 90m, 24h, 7d or an instant to come`);
      }
    }),
  );
});
