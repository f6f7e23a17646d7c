import { ReleaseLog } from "@sluice/release-log";
import * as Effect from "effect/Effect";
import * as Metric from "effect/Metric";
import type * as Scope from "effect/Scope";

const active = Metric.gauge("sluice_releases_active", { description: "Releases that have not ended, by phase" });
const held = Metric.gauge("sluice_releases_held", { description: "Canary steps that wait for something" });
const pagesDue = Metric.gauge("sluice_pages_due", {
  description: "Pages that the log asks for and nobody has taken yet",
});

const phases = ["requested", "gate-passed", "shadow", "shadow-passed", "canary", "breached"] as const;

/** What the folded log says of releases, for dashboards and alerts. */
export const releaseMetrics: Effect.Effect<void, never, ReleaseLog | Scope.Scope> = Effect.gen(function* () {
  const log = yield* ReleaseLog;
  const tell = Effect.gen(function* () {
    const states = [...log.applications().values()];
    const releases = states.flatMap((state) => (state.active ? [state.active] : []));
    for (const phase of phases)
      yield* Metric.update(
        Metric.withAttributes(active, { phase }),
        releases.filter((release) => release.phase === phase).length,
      );
    yield* Metric.update(held, releases.filter((release) => release.hold !== null).length);
    yield* Metric.update(pagesDue, states.flatMap(({ pages }) => pages.filter((page) => page.sentAt === null)).length);
  });
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(tell, Effect.sleep("10 seconds"))));
});
