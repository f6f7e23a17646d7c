import { invalidRequest, type OpenAiError, serverError } from "./openai-error.ts";

// What a request that reaches no arm is told.

export const notReady: OpenAiError = {
  ...serverError(503, "not_ready", "The gateway has not yet learned which applications it routes. Try again shortly."),
  retryAfterSeconds: 1,
};
export const internalError = serverError(500, "internal_error", "The gateway could not handle this request.");
export const wrongKey: OpenAiError = {
  ...invalidRequest("The key in header 'x-sluice-key' may not choose an arm.", null, 403),
  code: "invalid_probe_key",
};
export const wrongArm = invalidRequest("The header 'x-sluice-arm' must be 'baseline' or 'candidate'.");
export const noCandidate = (application: string): OpenAiError => ({
  ...invalidRequest(`The application '${application}' has no candidate that could be asked.`, null, 409),
  code: "no_candidate",
});
