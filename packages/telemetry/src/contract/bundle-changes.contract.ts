import { assert } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { completedRelease, overriddenRelease, rolledBackRelease } from "../release-history.fixture.ts";
import type { Promises } from "./promises.fixture.ts";
import { digest } from "./rows.fixture.ts";

/** What became of a bundle. */
export const bundleChangesContract = (promises: Promises): void => {
  promises("tells what happened to bundles wherever one was, in the order of time", (store) =>
    Effect.gen(function* () {
      const events = [...completedRelease, ...rolledBackRelease];
      yield* store.insertReleaseEvents(events.toReversed().map((event) => ({ event, accepted: true })));
      yield* store.insertReleaseEvents(overriddenRelease.map((event) => ({ event, accepted: false })));
      const candidate = completedRelease.find((event) => event._tag === "ReleaseRequested")?.candidate;
      const changes = yield* store.bundleChanges(candidate?.artifacts.prompt ?? "");
      assert.deepStrictEqual(
        changes.map(({ type, releaseId }) => `${type} ${releaseId}`),
        [
          "ReleaseRequested rel-completed",
          "CanaryStepStarted rel-completed",
          "ReleaseCompleted rel-completed",
          "ReleaseRequested rel-rolled-back",
          "CanaryStepStarted rel-rolled-back",
          "CanaryBreached rel-rolled-back",
          "ReleaseRolledBack rel-rolled-back",
        ],
      );
      assert.deepStrictEqual(changes[0]?.bundle, candidate);
      assert.strictEqual(changes[0]?.application, "support-bot");
      assert.deepStrictEqual(yield* store.bundleChanges(digest("9")), []);
    }),
  );
};
