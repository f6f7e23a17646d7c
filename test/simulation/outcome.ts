import * as assert from "node:assert/strict";
import type { ReleasePhase } from "@sluice/contracts";
import * as EventStore from "@sluice/event-store";
import { PagerInbox } from "@sluice/pager";
import * as Effect from "effect/Effect";
import type { Cast } from "./scenario.ts";
import type { Watcher } from "./watcher.ts";

export const isSettled = ({ state }: Watcher): boolean =>
  state.baseline !== null && state.active === null && state.queue.length === 0 && state.pages.length === 0;

export const describe = ({ state, events }: Watcher): string =>
  `${state.active?.releaseId ?? "nothing"} ${state.active?.phase ?? ""} (${state.active?.hold?.cause ?? "no hold"}), ${state.pages.length} pages; last ${events
    .slice(-4)
    .map(({ _tag }) => _tag)
    .join(", ")}`;

export const endsOf = ({
  state,
}: Watcher): ReadonlyArray<{ readonly releaseId: string; readonly phase: ReleasePhase }> => [
  ...Object.entries(state.ended).map(([releaseId, { phase }]) => ({ releaseId, phase })),
  ...state.blocked.map(({ releaseId }) => ({ releaseId, phase: "blocked" as const })),
];

/** A candidate that is bad never becomes the baseline; one that is good does, unless somebody or a deadline was in the way. */
export const checkEnds = (watcher: Watcher, cast: Cast, touched: ReadonlySet<string>): void => {
  const candidateOf = new Map(
    watcher.events.flatMap((event) =>
      event._tag === "ReleaseRequested" ? [[event.releaseId, event.candidate.digest] as const] : [],
    ),
  );
  const causes = new Map(
    watcher.events.flatMap((event) =>
      event._tag === "CanaryBreached" ? [[event.releaseId, event.cause] as const] : [],
    ),
  );
  const baselines = new Set([cast.baseline.digest]);
  for (const { releaseId, phase } of endsOf(watcher)) {
    const digest = candidateOf.get(releaseId) ?? "";
    const kind = cast.kindOf(digest);
    const isBad = kind !== "healthy" && !(kind === "blocked" && touched.has(releaseId));
    if (isBad) assert.notEqual(phase, "completed", `${releaseId} is ${kind} and was released`);
    if (kind === "failing" && phase === "rolled-back" && !touched.has(releaseId))
      assert.notEqual(causes.get(releaseId), "served-digest", `${releaseId} was rolled back for what it did not do`);
    if (kind === "healthy" && phase === "rolled-back")
      assert.equal(causes.get(releaseId), "hold-deadline", `${releaseId} is healthy and was rolled back`);
    if (phase === "completed") baselines.add(digest);
  }
  assert.ok(baselines.has(watcher.state.baseline?.digest ?? ""), "the baseline is what was released");
};

export const checkPages = Effect.fnUntraced(function* (watcher: Watcher) {
  const messages = yield* (yield* PagerInbox).messages;
  const breaches = watcher.events.filter(({ _tag }) => _tag === "CanaryBreached").length;
  const keys = (action: "trigger" | "resolve") =>
    new Set(
      messages
        .filter((one) => one.action === action && one.dedupKey.endsWith("/breach"))
        .map(({ dedupKey }) => dedupKey),
    );
  assert.equal(keys("trigger").size, breaches, "one page for each breach");
  assert.equal(keys("resolve").size, breaches, "and each of them is resolved");
});

export const checkRecord = Effect.fnUntraced(function* (watcher: Watcher) {
  const store = yield* EventStore.EventStore;
  const rows = yield* store.read({ limit: 10_000 });
  const accepted = rows.filter(({ refusal }) => refusal === null).map(({ eventId }) => eventId);
  assert.deepEqual(
    accepted,
    watcher.events.map(({ eventId }) => eventId),
    "the record has what the log has, in its order",
  );
  assert.deepEqual((yield* EventStore.verifyRecord()).faults, []);
});
