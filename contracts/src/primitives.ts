import * as Schema from "effect/Schema";

// The u flag makes Effect export the pattern into JSON Schema.
const pattern = (expression: RegExp, expected: string) => Schema.isPattern(expression, { expected });

/** `sha256:` and 64 lower-case hex digits: the address of an artifact, bundle, policy or piece of evidence. */
export const Digest = Schema.String.check(pattern(/^sha256:[0-9a-f]{64}$/u, "sha256: and 64 hex digits")).annotate({
  identifier: "Digest",
  description: "Address of an artifact, bundle, policy or piece of evidence: SHA-256 of its canonical JSON.",
});
export type Digest = typeof Digest.Type;

/** What users call; also the model name in an OpenAI request. */
export const ApplicationName = Schema.String.check(
  pattern(/^[a-z0-9][a-z0-9._-]{0,62}$/u, "1 to 63 of a-z, 0-9, '.', '_', '-', starting with a letter or digit"),
).annotate({
  identifier: "ApplicationName",
  description: "What users call; also the model name in an OpenAI request.",
});
export type ApplicationName = typeof ApplicationName.Type;

/**
 * Stands for all applications at once on the log: freezes of all of them are decided under this name, and each application
 * then has its own copy. Nothing can be registered or released under it.
 */
export const EVERY_APPLICATION = "all-applications";

export const ReleaseId = Schema.String.check(
  pattern(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,99}$/u, "1 to 100 of letters, digits, '.', '_', '-'"),
).annotate({ identifier: "ReleaseId", description: "One attempt to replace the baseline of an application." });
export type ReleaseId = typeof ReleaseId.Type;

/** Derived from the event's cause (see `@sluice/release` event-id), so that a repeated decision is the same event. */
export const EventId = Schema.String.check(
  pattern(/^[a-zA-Z0-9][a-zA-Z0-9._:-]{7,127}$/u, "8 to 128 of letters, digits, '.', '_', ':', '-'"),
).annotate({
  identifier: "EventId",
  description: "Derived from the event's cause, so that a repeated decision is the same event.",
});
export type EventId = typeof EventId.Type;

/**
 * An instant, always UTC with milliseconds, so that equal instants are equal bytes (decisions must replay byte for byte).
 */
export const Timestamp = Schema.String.check(
  pattern(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/u, "UTC with milliseconds, such as 2026-01-31T09:00:00.000Z"),
  Schema.makeFilter((value) => !Number.isNaN(Date.parse(value)) || "a date that exists"),
).annotate({ identifier: "Timestamp", description: "An instant, always UTC with milliseconds." });
export type Timestamp = typeof Timestamp.Type;

let lastSecond = Number.NaN;
let lastSecondText = "";

/** Formatting a date is dear where it is done twice for each request, so the part down to the second is kept. */
export const timestampOf = (epochMs: number): Timestamp => {
  const wholeMs = Math.trunc(epochMs);
  const second = Math.floor(wholeMs / 1_000);
  if (second !== lastSecond) {
    lastSecondText = new Date(second * 1_000).toISOString().slice(0, -"000Z".length);
    lastSecond = second;
  }
  return `${lastSecondText}${String(wholeMs - second * 1_000).padStart(3, "0")}Z`;
};
export const epochMsOf = (timestamp: Timestamp): number => Date.parse(timestamp);

/** A ratio in [0, 1]: traffic shares, rates, scores. */
export const Ratio = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }));

/** A false-alarm or tail probability, strictly between 0 and 1. */
export const Probability = Schema.Finite.check(Schema.isGreaterThan(0), Schema.isLessThan(1));

export const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));
export const PositiveCount = Schema.Int.check(Schema.isGreaterThan(0));
export const NonNegative = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0));
export const Positive = Schema.Finite.check(Schema.isGreaterThan(0));

/** Human-readable text with a bound: reasons, sentences, names. */
export const Text = Schema.String.check(Schema.isMaxLength(4_000));
export const Reason = Schema.String.check(Schema.isMaxLength(4_000), pattern(/\S/u, "a reason that is not blank"));

export const Interval = Schema.Struct({ low: Schema.Finite, high: Schema.Finite, confidence: Probability });
export type Interval = typeof Interval.Type;

export const Arm = Schema.Literals(["baseline", "candidate"]);
export type Arm = typeof Arm.Type;

/** Too little data is `inconclusive`; `invalid` says that the evidence itself is unusable. */
export const Verdict = Schema.Literals(["passed", "failed", "inconclusive", "invalid"]);
export type Verdict = typeof Verdict.Type;

export const Role = Schema.Literals(["viewer", "ci", "operator", "approver", "admin"]);
export type Role = typeof Role.Type;

/** Stands in sentences, logs and terminals: nothing in it may move a cursor or end a line. */
export const AuthorId = Schema.NonEmptyString.check(
  Schema.isMaxLength(200),
  pattern(/^\P{Cc}*$/u, "a name without control characters"),
);

/** Who did it: always derived by the server from the token, never taken from a body. */
export const Author = Schema.Struct({ id: AuthorId, role: Role });
export type Author = typeof Author.Type;
