import type { ReleaseEventOf, ShadowPairsBody } from "@sluice/contracts";
import { EventStore, releaseEventOf } from "@sluice/event-store";
import { PAYLOAD_DAYS, TelemetryStore } from "@sluice/telemetry";
import * as Effect from "effect/Effect";
import { Forbidden, type Intention, locate, type Named, NotFound } from "./requests.ts";

/** A request stands among the first rows of its release: before it there can only be refused ones. */
const FIRST_ROWS = 100;

const requestOf = Effect.fnUntraced(function* (named: Named) {
  const { application, releaseId } = yield* locate(named);
  const rows = yield* (yield* EventStore).read({ application, releaseId, limit: FIRST_ROWS });
  const events = rows.flatMap((row) => (row.refusal === null ? (releaseEventOf(row) ?? []) : []));
  const request = events.find(
    (event): event is ReleaseEventOf<"ReleaseRequested"> => event._tag === "ReleaseRequested",
  );
  // The log knows it, and the record does not yet.
  return request ?? (yield* new NotFound({ message: `release ${releaseId} is not on record yet; try again` }));
});

/**
 * The texts that were kept of a release's shadow, the pairs first where the candidate lost most. They are users' texts: a token
 * of one team reads those of its own releases only.
 */
export const shadowPairsOf = Effect.fn("shadowPairsOf")(function* (named: Named, limit: number, { team }: Intention) {
  const { application, releaseId, team: owner, policy } = yield* requestOf(named);
  if (team !== null && team !== owner)
    return yield* new Forbidden({
      code: "other-team",
      message: `release ${releaseId} is of team ${owner}; this token reads the texts of team ${team}`,
    });
  const { kept, pairs } = yield* (yield* TelemetryStore).pairs({ application, releaseId, limit });
  return {
    payloadSampleRate: policy.shadow.payloadSampleRate,
    keptDays: PAYLOAD_DAYS,
    kept,
    pairs,
  } satisfies typeof ShadowPairsBody.Type;
});
