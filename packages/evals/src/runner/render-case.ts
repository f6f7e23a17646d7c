import type { Bundle, EvalCase } from "@sluice/contracts";

type PromptMessage = Bundle["prompt"]["messages"][number];

/** One case as it is asked: what goes to an endpoint, and in words for scorers and reports. */
export interface RenderedCase {
  readonly caseId: string;
  /** Body of a chat completion. */
  readonly body: string;
  /** What the user said; the conversation as JSON where the case has one. */
  readonly input: string;
}

/** What transport and case decide: a model's parameters must not reach it. As in the gateway. */
const RESERVED = new Set(["model", "messages", "input", "prompt", "tools", "stream", "stream_options", "metadata"]);

/** Pure. Renders a case as the gateway renders a request, so that what is evaluated is what will be served. */
export const renderCase = (bundle: Bundle, evalCase: EvalCase): RenderedCase => {
  const own: ReadonlyArray<PromptMessage> = evalCase.messages ?? [{ role: "user", content: evalCase.input ?? "" }];
  const messages = [...bundle.prompt.messages.map((message) => filled(message, evalCase.metadata ?? {})), ...own];
  const parameters = Object.fromEntries(
    Object.entries(bundle.model.parameters).filter(([name]) => !RESERVED.has(name)),
  );
  const tools = bundle["tool-schema"]?.tools;
  return {
    caseId: evalCase.case_id,
    body: JSON.stringify({ ...parameters, messages, ...(tools && { tools }), model: bundle.model.model }),
    input: evalCase.input ?? JSON.stringify(own),
  };
};

/** Values are not scanned again, and a name without a value stays as written. */
const filled = ({ role, content }: PromptMessage, values: { readonly [name: string]: unknown }): PromptMessage => ({
  role,
  content: content.replaceAll(/\{\{\s*([A-Za-z0-9_.-]+)\s*\}\}/gu, (_placeholder, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    const isShown = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
    return isShown ? String(value) : `{{${name}}}`;
  }),
});
