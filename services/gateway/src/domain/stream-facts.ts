import {
  type AnswerFacts,
  answerText,
  asArray,
  asText,
  responseFacts,
  shortText,
  type ToolCall,
  tokenCount,
} from "./answer-facts.ts";
import { type Endpoint, isJsonObject, type JsonObject } from "./endpoint.ts";

/** `error`: the upstream itself reports one inside the stream. */
export type EventKind = "ok" | "malformed" | "error";

const FINISHED_RESPONSES = new Set(["response.completed", "response.incomplete"]);
const MAX_TOOL_CALLS = 128;

/** Follows a streamed answer, event by event. The text is kept up to a bound; what comes after it is only passed on. */
export class StreamFacts {
  readonly #endpoint: Endpoint;
  readonly #maxTextLength: number;
  #text = "";
  /** Of the last event of the Responses API, which repeats them. */
  #finalCalls: ReadonlyArray<ToolCall> | null = null;
  #toolCalls: Array<{ name: string; arguments: string }> = [];
  #declined = false;
  #finishReason: string | null = null;
  #inputTokens: number | null = null;
  #outputTokens: number | null = null;
  #complete = false;
  #started = false;

  constructor(endpoint: Endpoint, maxTextLength: number) {
    this.#endpoint = endpoint;
    this.#maxTextLength = maxTextLength;
  }

  /** Something the user reads has come: text, a refusal or a tool call. */
  get started(): boolean {
    return this.#started;
  }

  /** The upstream has said that it is at the end; without that a finished connection is a truncated answer. */
  get complete(): boolean {
    return this.#complete || this.#finishReason !== null;
  }

  accept(data: string): EventKind {
    if (data === "[DONE]") {
      this.#complete = true;
      return "ok";
    }
    let event: unknown;
    try {
      event = JSON.parse(data);
    } catch {
      return "malformed";
    }
    if (!isJsonObject(event)) return "malformed";
    if (isJsonObject(event.error) || event.type === "error" || event.type === "response.failed") return "error";
    if (this.#endpoint === "responses") this.#acceptResponseEvent(event);
    else this.#acceptChunk(event);
    return "ok";
  }

  facts(): AnswerFacts {
    return {
      // The last event's text holds the calls already.
      text: this.#finalCalls ? this.#text : answerText(this.#text, this.#toolCalls satisfies ReadonlyArray<ToolCall>),
      toolCalls: this.#finalCalls ?? this.#toolCalls,
      declined: this.#declined,
      finishReason: this.#finishReason,
      inputTokens: this.#inputTokens,
      outputTokens: this.#outputTokens,
    };
  }

  #append(text: string): void {
    if (text === "") return;
    this.#started = true;
    if (this.#text.length < this.#maxTextLength) this.#text += text;
  }

  /** Chunks of chat completions and of completions. Only the first choice counts, as in an unstreamed answer. */
  #acceptChunk(chunk: JsonObject): void {
    if (isJsonObject(chunk.usage)) {
      this.#inputTokens = tokenCount(chunk.usage, "prompt_tokens");
      this.#outputTokens = tokenCount(chunk.usage, "completion_tokens");
    }
    for (const choice of asArray(chunk.choices)) {
      if (!isJsonObject(choice) || (choice.index ?? 0) !== 0) continue;
      const delta = isJsonObject(choice.delta) ? choice.delta : {};
      this.#append(asText(delta.content) || asText(choice.text));
      if (asText(delta.refusal) !== "") {
        this.#declined = true;
        this.#append(asText(delta.refusal));
      }
      for (const call of asArray(delta.tool_calls)) this.#acceptToolCall(call);
      this.#finishReason = shortText(choice.finish_reason) ?? this.#finishReason;
      if (this.#finishReason === "content_filter") this.#declined = true;
    }
  }

  #acceptToolCall(call: unknown): void {
    if (!isJsonObject(call) || !isJsonObject(call.function)) return;
    this.#started = true;
    const index = typeof call.index === "number" ? call.index : this.#toolCalls.length;
    if (!Number.isInteger(index) || index < 0 || index >= MAX_TOOL_CALLS) return;
    while (this.#toolCalls.length <= index) this.#toolCalls.push({ name: "", arguments: "" });
    const known = this.#toolCalls[index];
    if (!known) return;
    known.name += asText(call.function.name);
    if (known.arguments.length < this.#maxTextLength) known.arguments += asText(call.function.arguments);
  }

  #acceptResponseEvent(event: JsonObject): void {
    if (event.type === "response.output_text.delta") this.#append(asText(event.delta));
    else if (event.type === "response.refusal.delta") {
      this.#declined = true;
      this.#append(asText(event.delta));
    } else if (event.type === "response.function_call_arguments.delta") this.#started = true;
    else if (typeof event.type === "string" && FINISHED_RESPONSES.has(event.type)) this.#finishResponse(event);
  }

  /** The last event repeats the whole answer. */
  #finishResponse(event: JsonObject): void {
    this.#complete = true;
    const facts = isJsonObject(event.response) ? responseFacts(event.response) : null;
    if (!facts) return;
    this.#text = facts.text.slice(0, this.#maxTextLength);
    this.#finalCalls = facts.toolCalls;
    this.#declined = facts.declined;
    this.#finishReason = facts.finishReason;
    this.#inputTokens = facts.inputTokens;
    this.#outputTokens = facts.outputTokens;
  }
}
