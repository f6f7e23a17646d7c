/** An error as OpenAI's API words it; `status` is for the adapter that sends it. */
export interface OpenAiError {
  readonly status: number;
  readonly message: string;
  readonly type: string;
  readonly code: string;
  readonly param: string | null;
  /** Seconds, where trying again makes sense. */
  readonly retryAfterSeconds?: number;
}

/** The caller's fault; `param` names the field. */
export const invalidRequest = (message: string, param: string | null = null, status = 400): OpenAiError => ({
  status,
  message,
  type: "invalid_request_error",
  code: status === 413 ? "request_too_large" : "invalid_request",
  param,
});

/** OpenAI's own answer to a model that does not exist. */
export const modelNotFound = (model: string): OpenAiError => ({
  status: 404,
  message: `The model '${model}' does not exist: it is the name of no application that this gateway routes. GET /v1/models lists them.`,
  type: "invalid_request_error",
  code: "model_not_found",
  param: "model",
});

export const serverError = (status: number, code: string, message: string): OpenAiError => ({
  status,
  message,
  type: status === 429 ? "rate_limit_error" : "server_error",
  code,
  param: null,
});

export const errorBody = ({ message, type, param, code }: OpenAiError): string =>
  JSON.stringify({ error: { message, type, param, code } });
