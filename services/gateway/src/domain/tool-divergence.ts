import { canonicalJson, type ToolDivergence } from "@sluice/contracts";
import { asArray, type ToolCall } from "./answer-facts.ts";
import { isJsonObject, type JsonObject } from "./endpoint.ts";

/**
 * Where the candidate's tool calls part from the baseline's, null where they do not: the order of calls counts, the order of
 * an argument's fields does not.
 */
export const toolDivergence = (
  request: JsonObject,
  baseline: ReadonlyArray<ToolCall>,
  candidate: ReadonlyArray<ToolCall>,
): ToolDivergence | null => {
  for (let call = 0; call < Math.max(baseline.length, candidate.length); call += 1) {
    const kind = differenceOf(baseline[call], candidate[call]);
    if (kind) return { turn: turnOf(request), call, kind };
  }
  return null;
};

const differenceOf = (
  baseline: ToolCall | undefined,
  candidate: ToolCall | undefined,
): ToolDivergence["kind"] | null => {
  if (!candidate) return "missing-call";
  if (!baseline) return "extra-call";
  if (baseline.name !== candidate.name) return "other-tool";
  return comparable(baseline.arguments) === comparable(candidate.arguments) ? null : "other-arguments";
};

/** Models write the same arguments with other spaces and in another order. */
const comparable = (text: string): string => {
  try {
    return canonicalJson(JSON.parse(text));
  } catch {
    return text;
  }
};

/** Answers of the assistant that the request already holds. */
const turnOf = ({ messages, input }: JsonObject): number =>
  asArray(messages ?? input).filter(
    (message) => isJsonObject(message) && (message.role === "assistant" || message.type === "function_call"),
  ).length;
