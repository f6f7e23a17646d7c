import type { Refusal } from "@sluice/release";
import * as Cause from "effect/Cause";
import { HttpFailure } from "./http-failure.ts";

const statusOfRefusal = (code: Refusal["code"]): number => {
  if (code === "unknown-release" || code === "unknown-application" || code === "unknown-bundle") return 404;
  return code === "wrong-role" || code === "separation-of-duty" ? 403 : 409;
};

/** The answer to a failed effect. What nobody foresaw is a 500 without its innards. */
export const failureOf = (cause: Cause.Cause<unknown>): HttpFailure => {
  const failure = Cause.squash(cause);
  if (failure instanceof HttpFailure) return failure;
  if (isTagged(failure)) {
    if (failure._tag === "Refusal" && isRefusal(failure))
      return new HttpFailure(statusOfRefusal(failure.code), failure.code, failure.sentence);
    const message = "message" in failure ? String(failure.message) : failure._tag;
    if (failure._tag === "NotFound") return new HttpFailure(404, "not-found", message);
    if (failure._tag === "Conflict" && "code" in failure) return new HttpFailure(409, String(failure.code), message);
    if (failure._tag === "Forbidden" && "code" in failure) return new HttpFailure(403, String(failure.code), message);
    if (failure._tag === "Unauthenticated") return new HttpFailure(401, "unauthenticated", message);
    if (failure._tag === "NotLetIn") return new HttpFailure(403, "forbidden", message);
    if (failure._tag === "IssuerError") return new HttpFailure(503, "issuer-unavailable", message);
    if (failure._tag === "NotSigned") return new HttpFailure(409, "not-signed", message);
    if (failure._tag === "BadRequest") return new HttpFailure(400, "bad-request", message);
    if (
      [
        "BusError",
        "EventStoreError",
        "ArtifactStoreError",
        "CheckpointDirectoryError",
        "TelemetryError",
        "TokenStoreError",
      ].includes(failure._tag)
    )
      return new HttpFailure(503, "unavailable", `a store behind the registry failed (${failure._tag}); try again`);
  }
  return new HttpFailure(500, "internal", "the registry failed; its log has the details");
};

const isTagged = (value: unknown): value is { readonly _tag: string } =>
  typeof value === "object" && value !== null && "_tag" in value && typeof value._tag === "string";

const isRefusal = (value: { readonly _tag: string }): value is Refusal => "code" in value && "sentence" in value;
