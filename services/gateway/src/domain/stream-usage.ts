import { type Endpoint, isJsonObject, type JsonObject } from "./endpoint.ts";

/**
 * The request with the wish for token counts at the end of its stream, where the caller has not asked for them; null
 * where nothing has to be asked. Without it nobody knows what a streamed answer cost.
 */
export const askingForUsage = (endpoint: Endpoint, body: JsonObject): JsonObject | null => {
  if (body.stream !== true || (endpoint !== "chat/completions" && endpoint !== "completions")) return null;
  const options = isJsonObject(body.stream_options) ? body.stream_options : {};
  return options.include_usage === undefined ? { ...body, stream_options: { ...options, include_usage: true } } : null;
};

/**
 * Whole events without the one that only counts tokens: a caller who has not asked for it may not expect a chunk
 * without choices.
 */
export const withoutUsageEvent = (bytes: Buffer): Buffer => {
  if (!bytes.includes('"usage"')) return bytes;
  const events = bytes.toString("utf8").split(/(?<=\r?\n\r?\n)/);
  return Buffer.from(events.filter((event) => !isUsageEvent(event)).join(""));
};

const isUsageEvent = (event: string): boolean => {
  if (!event.startsWith("data:")) return false;
  try {
    const chunk: unknown = JSON.parse(event.slice("data:".length));
    return (
      isJsonObject(chunk) && isJsonObject(chunk.usage) && Array.isArray(chunk.choices) && chunk.choices.length === 0
    );
  } catch {
    return false;
  }
};
