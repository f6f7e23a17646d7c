import { REDACTION_MARGIN, type RedactionRule, redactedCut } from "@sluice/contracts/redaction";
import { asArray, asText, contentText } from "./answer-facts.ts";
import { type Endpoint, isJsonObject, type JsonObject } from "./endpoint.ts";

/** The contract's bound of an input or output that leaves the gateway. */
export const MAX_PAYLOAD_LENGTH = 65_536;

/** Characters of a streamed answer that are collected: enough to know a secret that the bound falls into. */
export const MAX_READ_LENGTH = MAX_PAYLOAD_LENGTH + REDACTION_MARGIN;

/**
 * Text as it may leave the process: redacted, bounded, and free of what stores refuse (lone surrogates, NUL).
 * Both arms go through the same rules, so that redaction cannot favour one. Of an input the end is kept, because that is
 * what the answer answers.
 */
export const payloadText = (
  text: string,
  rules: ReadonlyArray<RedactionRule>,
  keep: "start" | "end" = "start",
): string => redactedCut(text, rules, MAX_PAYLOAD_LENGTH, keep).toWellFormed().replaceAll("\u0000", "\uFFFD");

/**
 * What the caller asked, as text for a judge: a single message as it is, several as `role: text` lines. It is neither
 * redacted nor bounded yet: see `payloadText`.
 */
export const requestText = (endpoint: Endpoint, body: JsonObject): string => {
  const messages = endpoint === "responses" ? body.input : endpoint === "chat/completions" ? body.messages : undefined;
  if (messages === undefined) return plainText(body.prompt ?? body.input);
  if (typeof messages === "string") return messages;
  const lines: Array<string> = [];
  let last = "";
  for (const message of asArray(messages)) {
    if (!isJsonObject(message)) continue;
    const text = contentText(message.content) || asText(message.output);
    if (text === "") continue;
    last = text;
    lines.push(`${asText(message.role) || asText(message.type)}: ${text}`);
  }
  return lines.length === 1 ? last : lines.join("\n");
};

const plainText = (value: unknown): string =>
  typeof value === "string" ? value : asArray(value).map(asText).join("\n");
