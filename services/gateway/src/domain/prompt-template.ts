import type { Bundle } from "@sluice/contracts";
import { isJsonObject } from "./endpoint.ts";

type PromptMessage = Bundle["prompt"]["messages"][number];

/** Text and names in turn: `["Hello ", "name", "!"]`; names are at the odd places. */
type Segments = ReadonlyArray<string>;

export interface PromptTemplate {
  readonly messages: ReadonlyArray<{ readonly role: PromptMessage["role"]; readonly segments: Segments }>;
  /** The messages as they are, where nothing has to be filled in. */
  readonly literal: ReadonlyArray<PromptMessage> | null;
}

const PLACEHOLDER = /\{\{\s*([A-Za-z0-9_.-]+)\s*\}\}/;

export const compilePrompt = (messages: ReadonlyArray<PromptMessage>): PromptTemplate => {
  const compiled = messages.map(({ role, content }) => ({ role, segments: content.split(PLACEHOLDER) }));
  return { messages: compiled, literal: compiled.every(({ segments }) => segments.length === 1) ? messages : null };
};

/**
 * Fills `{{name}}` from the request's metadata. Values are not scanned again, so a caller cannot smuggle in a
 * placeholder. One without a value stays as written: it may be meant literally, and a request must not fail for it.
 */
export const fillPrompt = (template: PromptTemplate, metadata: unknown): ReadonlyArray<PromptMessage> => {
  if (template.literal) return template.literal;
  const values = isJsonObject(metadata) ? metadata : {};
  return template.messages.map(({ role, segments }) => ({
    role,
    content: segments.map((segment, i) => (i % 2 === 0 ? segment : filledIn(values, segment))).join(""),
  }));
};

const filledIn = (values: { readonly [name: string]: unknown }, name: string): string => {
  const value = Object.hasOwn(values, name) ? values[name] : undefined;
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : `{{${name}}}`;
};
