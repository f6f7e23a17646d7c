import { type Endpoint, isJsonObject, type JsonObject } from "./endpoint.ts";

/** What an answer says about itself. */
export interface AnswerFacts {
  /** The text a reader would see, then tool calls as JSON; what judges get. */
  readonly text: string;
  readonly toolCalls: ReadonlyArray<ToolCall>;
  /** The model declined in a field of its own, or a filter stopped it. */
  readonly declined: boolean;
  readonly finishReason: string | null;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
}

export interface ToolCall {
  readonly name: string;
  readonly arguments: string;
}

/** Null when it is no answer of this endpoint: malformed. */
export const factsOfAnswer = (endpoint: Endpoint, answer: unknown): AnswerFacts | null =>
  isJsonObject(answer) ? readers[endpoint](answer) : null;

/** Tool calls are part of what the model answered: a judge must see that it called the wrong one. */
export const answerText = (text: string, toolCalls: ReadonlyArray<ToolCall>): string =>
  toolCalls.length === 0 ? text : `${text}${text === "" ? "" : "\n"}${JSON.stringify(toolCalls)}`;

export const tokenCount = (usage: unknown, ...names: ReadonlyArray<string>): number | null => {
  if (!isJsonObject(usage)) return null;
  for (const name of names) {
    const value = usage[name];
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  }
  return null;
};

/** An upstream's word in a field of ours: bounded, and nothing that a store could refuse and so block all behind it. */
export const shortText = (value: unknown): string | null =>
  typeof value === "string" ? value.slice(0, 64).replaceAll(/[^\x20-\x7e]/g, "?") : null;

export const asArray = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : []);

export const asText = (value: unknown): string => (typeof value === "string" ? value : "");

/** Text of a message's content: a string, or the text parts of an array. */
export const contentText = (content: unknown): string =>
  typeof content === "string"
    ? content
    : asArray(content)
        .map((part) => (isJsonObject(part) ? asText(part.text) : ""))
        .join("");

export const toolCallOf = (call: unknown): ToolCall => {
  const fn = isJsonObject(call) && isJsonObject(call.function) ? call.function : isJsonObject(call) ? call : {};
  return { name: asText(fn.name), arguments: asText(fn.arguments) };
};

const chatFacts = (answer: JsonObject): AnswerFacts | null => {
  if (!Array.isArray(answer.choices)) return null;
  const choice: unknown = answer.choices[0];
  const message = isJsonObject(choice) && isJsonObject(choice.message) ? choice.message : {};
  const finishReason = isJsonObject(choice) ? shortText(choice.finish_reason) : null;
  const refusal = asText(message.refusal);
  const toolCalls = asArray(message.tool_calls).map(toolCallOf);
  return {
    text: answerText(contentText(message.content) || refusal, toolCalls),
    toolCalls,
    declined: refusal !== "" || finishReason === "content_filter",
    finishReason,
    inputTokens: tokenCount(answer.usage, "prompt_tokens"),
    outputTokens: tokenCount(answer.usage, "completion_tokens"),
  };
};

const completionFacts = (answer: JsonObject): AnswerFacts | null => {
  if (!Array.isArray(answer.choices)) return null;
  const choice: unknown = answer.choices[0];
  const finishReason = isJsonObject(choice) ? shortText(choice.finish_reason) : null;
  return {
    text: isJsonObject(choice) ? asText(choice.text) : "",
    toolCalls: [],
    declined: finishReason === "content_filter",
    finishReason,
    inputTokens: tokenCount(answer.usage, "prompt_tokens"),
    outputTokens: tokenCount(answer.usage, "completion_tokens"),
  };
};

const embeddingFacts = (answer: JsonObject): AnswerFacts | null =>
  Array.isArray(answer.data)
    ? {
        text: "",
        toolCalls: [],
        declined: false,
        finishReason: null,
        inputTokens: tokenCount(answer.usage, "prompt_tokens"),
        outputTokens: null,
      }
    : null;

/** Also reads the `response` of a stream's last event. */
export const responseFacts = (answer: JsonObject): AnswerFacts | null => {
  if (!Array.isArray(answer.output)) return null;
  const items = answer.output.filter(isJsonObject);
  const parts = items.flatMap((item) => asArray(item.content)).filter(isJsonObject);
  const refusals = parts.filter(({ type }) => type === "refusal").map(({ refusal }) => asText(refusal));
  const details = isJsonObject(answer.incomplete_details) ? answer.incomplete_details.reason : undefined;
  const calls = items.filter(({ type }) => type === "function_call").map(toolCallOf);
  return {
    text: answerText(parts.map(({ text }) => asText(text)).join("") || refusals.join("\n"), calls),
    toolCalls: calls,
    declined: refusals.length > 0 || details === "content_filter",
    finishReason: shortText(details) ?? shortText(answer.status),
    inputTokens: tokenCount(answer.usage, "input_tokens"),
    outputTokens: tokenCount(answer.usage, "output_tokens"),
  };
};

const readers: { readonly [E in Endpoint]: (answer: JsonObject) => AnswerFacts | null } = {
  "chat/completions": chatFacts,
  completions: completionFacts,
  embeddings: embeddingFacts,
  responses: responseFacts,
};
