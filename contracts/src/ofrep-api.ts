import * as Schema from "effect/Schema";
import { ApplicationName } from "./primitives.ts";
import type { Route } from "./registry-api.ts";

// OpenFeature's remote evaluation protocol (OFREP 0.3): its words, so that its clients work as they are.

export const OfrepRequest = Schema.Struct({
  context: Schema.StructWithRest(Schema.Struct({ targetingKey: Schema.NonEmptyString }), [
    Schema.Record(Schema.String, Schema.Json),
  ]),
}).annotate({ identifier: "OfrepRequest" });

/** A flag is an application; its value is the digest of the bundle to serve, its variant the arm. */
export const OfrepEvaluation = Schema.Struct({
  key: ApplicationName,
  value: Schema.String,
  reason: Schema.Literals(["SPLIT", "STATIC"]),
  variant: Schema.Literals(["baseline", "candidate"]),
  /** `bundle`, and of an active release `release`, `phase` and, in the canary, `step`. */
  metadata: Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Finite, Schema.Boolean])),
}).annotate({ identifier: "OfrepEvaluation" });
export type OfrepEvaluation = typeof OfrepEvaluation.Type;

export const OfrepEvaluations = Schema.Struct({ flags: Schema.Array(OfrepEvaluation) }).annotate({
  identifier: "OfrepEvaluations",
});

export const ofrepRoutes = {
  evaluateFlag: {
    method: "POST",
    path: "/ofrep/v1/evaluate/flags/:key",
    summary: "The arm and bundle of one application for a targeting key (OpenFeature)",
    permission: "read",
    request: OfrepRequest,
    status: 200,
    response: OfrepEvaluation,
  },
  evaluateFlags: {
    method: "POST",
    path: "/ofrep/v1/evaluate/flags",
    summary: "The same for every application; If-None-Match with the last ETag answers 304 while nothing changed",
    permission: "read",
    request: OfrepRequest,
    status: 200,
    response: OfrepEvaluations,
  },
} as const satisfies Record<string, Route>;
