import { asArray, asText, contentText } from "./answer-facts.ts";
import { type Endpoint, isJsonObject, type JsonObject } from "./endpoint.ts";

/** The contract's bound of an input or output that leaves the gateway. */
export const MAX_PAYLOAD_LENGTH = 65_536;

export interface RedactionRule {
  readonly pattern: RegExp;
  readonly replacement: string;
}

/** What never has a place in a payload, in any application. Settings add to it. */
export const standardRedaction: ReadonlyArray<RedactionRule> = [
  { pattern: /\b(?:sk|pk|rk|ghp|gho|xox[abp])[-_][A-Za-z0-9_-]{16,}/g, replacement: "[key]" },
  { pattern: /\bBearer\s+[A-Za-z0-9._~+/-]{16,}=*/gi, replacement: "[key]" },
  { pattern: /\b[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}\b/g, replacement: "[email]" },
  // Card numbers: 13 to 19 digits, perhaps in groups.
  { pattern: /\b\d(?:[ -]?\d){12,18}\b/g, replacement: "[number]" },
];

/**
 * Text as it may leave the process: redacted, bounded, and free of what stores refuse (lone surrogates, NUL).
 * Both arms go through the same rules, so that redaction cannot favour one.
 */
export const payloadText = (text: string, rules: ReadonlyArray<RedactionRule>): string => {
  // Cut roughly first, so that a huge text costs no more than a large one, but with room for a match across the bound.
  let safe = text.slice(0, MAX_PAYLOAD_LENGTH + 1_024);
  for (const { pattern, replacement } of rules) safe = safe.replace(pattern, replacement);
  return safe.slice(0, MAX_PAYLOAD_LENGTH).toWellFormed().replaceAll("\u0000", "\uFFFD");
};

/**
 * What the caller asked, as text for a judge: a single message as it is, several as `role: text` lines.
 * Of a long conversation the end counts, because the answer answers that.
 */
export const requestText = (endpoint: Endpoint, body: JsonObject): string => {
  const messages = endpoint === "responses" ? body.input : endpoint === "chat/completions" ? body.messages : undefined;
  if (messages === undefined) return plainText(body.prompt ?? body.input);
  if (typeof messages === "string") return messages.slice(-MAX_PAYLOAD_LENGTH);
  const lines: Array<readonly [role: string, text: string]> = [];
  for (const message of asArray(messages)) {
    if (!isJsonObject(message)) continue;
    const text = contentText(message.content) || asText(message.output);
    if (text !== "") lines.push([asText(message.role) || asText(message.type), text]);
  }
  const only = lines.length === 1 ? lines[0] : undefined;
  const text = only ? only[1] : lines.map(([role, line]) => `${role}: ${line}`).join("\n");
  return text.slice(-MAX_PAYLOAD_LENGTH);
};

const plainText = (value: unknown): string =>
  (typeof value === "string" ? value : asArray(value).map(asText).join("\n")).slice(-MAX_PAYLOAD_LENGTH);
