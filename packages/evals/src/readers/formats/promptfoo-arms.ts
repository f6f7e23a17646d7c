import type { EvaluateResult, Prompt } from "./promptfoo-schema.ts";

const providerOf = ({ provider }: EvaluateResult): string =>
  typeof provider === "string" ? provider : provider?.label || provider?.id || "";

/** Prompts may be pages long; their label is by default the prompt itself. */
const shortened = (text: string): string => {
  const line = text.replaceAll(/\s+/gu, " ").trim();
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
};

/**
 * Names the arm of a result: what is compared may be providers, prompts, or both, and the name says only what differs.
 * Arms that would have the same name get their number behind it.
 */
export const armNames = (
  results: ReadonlyArray<EvaluateResult>,
  prompts: ReadonlyArray<Prompt>,
): ((result: EvaluateResult) => string) => {
  const keyOf = (result: EvaluateResult) =>
    result.promptIdx === undefined ? `${providerOf(result)}\n${result.prompt?.label ?? ""}` : String(result.promptIdx);
  const arms = new Map<string, { readonly provider: string; readonly prompt: string }>();
  for (const result of results) {
    const key = keyOf(result);
    if (arms.has(key)) continue;
    const listed = prompts[result.promptIdx ?? -1];
    arms.set(key, {
      provider: providerOf(result) || (listed?.provider ?? ""),
      prompt: shortened(result.prompt?.label ?? listed?.label ?? listed?.raw ?? ""),
    });
  }
  const tellsApart = (part: "provider" | "prompt") =>
    new Set([...arms.values()].map((arm) => arm[part])).size === arms.size;
  const told = tellsApart("provider") ? "provider" : tellsApart("prompt") ? "prompt" : undefined;
  const names = new Map<string, string>();
  for (const [key, arm] of arms) {
    const parts = told ? [arm[told]] : [arm.provider, arm.prompt];
    const name = parts.filter((part) => part !== "").join(" | ") || "results";
    const taken = [...names.values()].includes(name);
    names.set(key, taken ? `${name} (${names.size + 1})` : name);
  }
  return (result) => names.get(keyOf(result)) ?? "results";
};
