import * as Schema from "effect/Schema";
import { PlainReason } from "./http.ts";
import { Author, Count, Timestamp } from "./primitives.ts";
import { Erasable } from "./release-event.ts";

const somethingIsNamed = Schema.makeFilter<typeof Erasable.Type>(
  ({ clusterKeys, artifacts }) =>
    clusterKeys.length + artifacts.length > 0 || "clusterKeys or artifacts that name something",
);

/** As people write them now; what is on record may be older. */
const PlainKey = Schema.NonEmptyString.check(
  Schema.isMaxLength(200),
  Schema.isPattern(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$/u, {
    expected: "a cluster key without line breaks and other control characters",
  }),
);

export const ErasureBody = Schema.Struct({
  ...Erasable.fields,
  clusterKeys: Schema.Array(PlainKey).check(Schema.isMaxLength(1_000)),
  reason: PlainReason,
})
  .check(somethingIsNamed)
  .annotate({ identifier: "ErasureBody" });

/** One erasure, and how far it is. */
export const Erasure = Schema.Struct({
  erasureId: Schema.String,
  ...Erasable.fields,
  /** What was said until then is erased. */
  requestedAt: Timestamp,
  author: Author,
  reason: Schema.String,
  /** Null while the stores have not said so. */
  erasedAt: Schema.NullOr(Timestamp),
  observations: Count,
  judgements: Count,
  /** Then the log has none of the texts any more either. */
  logExpiresAt: Timestamp,
}).annotate({ identifier: "Erasure" });
export type Erasure = typeof Erasure.Type;

export const ErasuresBody = Schema.Struct({ erasures: Schema.Array(Erasure) }).annotate({ identifier: "ErasuresBody" });

export const erasureRoutes = {
  requestErasure: {
    method: "POST",
    path: "/v1/applications/:application/erasures",
    summary: "Erase users' texts: what was said under cluster keys until now, and artifacts; figures and digests stay",
    permission: "administer",
    request: ErasureBody,
    status: 200,
    response: Erasure,
  },
  listErasures: {
    method: "GET",
    path: "/v1/applications/:application/erasures",
    summary: "Erasures of an application, the oldest first, and whether they are carried out",
    permission: "administer",
    status: 200,
    response: ErasuresBody,
  },
} as const;
