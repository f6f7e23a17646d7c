import type { ErrorClass } from "@sluice/contracts";
import { type OpenAiError, serverError } from "./openai-error.ts";

/** How far a call had come when it failed. */
export type CallPhase = "queue" | "connect" | "head" | "body";

export interface CallFailure {
  readonly phase: CallPhase;
  /** The error's code, such as ECONNREFUSED or UND_ERR_HEADERS_TIMEOUT; empty when it has none. */
  readonly code: string;
}

export const errorClassOfStatus = (status: number): ErrorClass | null => {
  if (status < 400) return null;
  if (status === 429) return "rate-limited";
  if (status === 408 || status === 504) return "timeout";
  return status < 500 ? "upstream-4xx" : "upstream-5xx";
};

export const errorClassOfFailure = ({ phase, code }: CallFailure): ErrorClass => {
  if (code === "UND_ERR_HEADERS_TIMEOUT" || code === "UND_ERR_BODY_TIMEOUT" || code === "SLUICE_DEADLINE") {
    return "timeout";
  }
  // llhttp's codes: what came was no HTTP.
  if (code.startsWith("HPE_")) return "malformed";
  return phase === "body" ? "truncated" : "connection";
};

/** Bounds of the gateway, worded like failures so that they count for the arm that met them. */
export const QUEUE_FULL = "SLUICE_QUEUE_FULL";
export const DEADLINE = "SLUICE_DEADLINE";

/** What the caller gets where the upstream gave no answer. Never the upstream's address: that is configuration. */
export const errorOfFailure = (failure: CallFailure): OpenAiError => {
  if (failure.code === QUEUE_FULL) {
    return {
      ...serverError(503, "overloaded", "Too many requests are waiting for this model. Try again shortly."),
      retryAfterSeconds: 1,
    };
  }
  return failureErrors[errorClassOfFailure(failure)];
};

const failureErrors: { readonly [C in ErrorClass]: OpenAiError } = {
  timeout: serverError(504, "upstream_timeout", "The model did not answer in time."),
  connection: serverError(502, "upstream_connection", "The model could not be reached."),
  truncated: serverError(502, "upstream_truncated", "The model's answer broke off."),
  malformed: serverError(502, "upstream_malformed", "The model's answer could not be understood."),
  "rate-limited": serverError(429, "rate_limit_exceeded", "The model's rate limit is reached."),
  "upstream-4xx": serverError(502, "upstream_refused_request", "The model's provider refused the request."),
  "upstream-5xx": serverError(502, "upstream_error", "The model's provider failed."),
};

export const errorOfClass = (errorClass: ErrorClass): OpenAiError => failureErrors[errorClass];
