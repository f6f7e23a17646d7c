import { type Bundle, type Digest, referenceOf } from "@sluice/contracts";
import * as Result from "effect/Result";
import { type Endpoint, isJsonObject, type JsonObject } from "./endpoint.ts";
import { invalidRequest, type OpenAiError } from "./openai-error.ts";
import { compilePrompt, fillPrompt, type PromptTemplate } from "./prompt-template.ts";

/** One request as it goes to the upstream. */
export interface Rendered {
  readonly body: string;
  /** For the header `x-sluice-retrieval-index`; null where the bundle has none, or the body names it. */
  readonly retrievalIndex: string | null;
  /** Digest of the artifacts this was rendered from: not taken from the routing, so that a mix-up shows. */
  readonly servedBundle: Digest;
}

interface CompiledBundle {
  readonly servedBundle: Digest;
  readonly model: string;
  readonly prompt: PromptTemplate;
  readonly parameters: JsonObject;
  readonly tools: ReadonlyArray<unknown> | null;
  readonly retrievalIndex: string | null;
}

const compiledBundles = new WeakMap<Bundle, CompiledBundle>();

/** What a transport decides, or a bundle's other artifacts: a model's parameters must not reach it. */
const RESERVED = new Set(["model", "messages", "input", "prompt", "tools", "stream", "stream_options", "metadata"]);

/**
 * The body for the upstream: the prompt's messages before the caller's, model, parameters and tools from the bundle,
 * everything else as the caller sent it. The bundle is what was evaluated, so where both say something the bundle wins.
 * Fails with the caller's error where the endpoint's main field is missing.
 */
export const render = (
  bundle: Bundle,
  endpoint: Endpoint,
  body: JsonObject,
  /** Field of the body that takes the index's name; null: it goes into a header. */
  indexField: string | null = null,
): Result.Result<Rendered, OpenAiError> => {
  const compiled = compiledOf(bundle);
  const own = rooms[endpoint](compiled, body);
  if (Result.isFailure(own)) return Result.fail(own.failure);
  const rendered = { ...body, ...compiled.parameters, ...own.success, model: compiled.model };
  const isInBody = indexField !== null && compiled.retrievalIndex !== null;
  return Result.succeed({
    body: JSON.stringify(isInBody ? { ...rendered, [indexField]: compiled.retrievalIndex } : rendered),
    retrievalIndex: isInBody ? null : compiled.retrievalIndex,
    servedBundle: compiled.servedBundle,
  });
};

/** Digest of what `render` makes of this bundle. */
export const servedDigestOf = (bundle: Bundle): Digest => compiledOf(bundle).servedBundle;

const compiledOf = (bundle: Bundle): CompiledBundle => {
  const known = compiledBundles.get(bundle);
  if (known) return known;
  const index = bundle["retrieval-index"];
  const compiled: CompiledBundle = {
    servedBundle: referenceOf(bundle).digest,
    model: bundle.model.model,
    prompt: compilePrompt(bundle.prompt.messages),
    parameters: Object.fromEntries(Object.entries(bundle.model.parameters).filter(([name]) => !RESERVED.has(name))),
    tools: bundle["tool-schema"]?.tools ?? null,
    retrievalIndex: index ? headerValue(`${index.name}@${index.version}`) : null,
  };
  compiledBundles.set(bundle, compiled);
  return compiled;
};

const headerValue = (text: string): string => (/^[\x20-\x7e]*$/.test(text) ? text : encodeURIComponent(text));

type Own = Result.Result<JsonObject, OpenAiError>;

/** The part of the body that each endpoint words in its own way. */
const rooms: { readonly [E in Endpoint]: (compiled: CompiledBundle, body: JsonObject) => Own } = {
  "chat/completions": ({ prompt, tools }, body) => {
    if (!Array.isArray(body.messages)) return missing("messages", "an array of messages");
    const messages = [...fillPrompt(prompt, body.metadata), ...body.messages];
    return Result.succeed(tools ? { messages, tools } : { messages });
  },
  completions: ({ prompt }, body) => {
    const texts = typeof body.prompt === "string" ? [body.prompt] : body.prompt;
    if (!Array.isArray(texts)) return missing("prompt", "a string or an array");
    const before = fillPrompt(prompt, body.metadata).map(({ content }) => content);
    if (before.length === 0) return Result.succeed({});
    // Arrays of tokens cannot take a text in front: they pass as they are.
    const after = texts.map((text) => (typeof text === "string" ? [...before, text].join("\n\n") : text));
    return Result.succeed({ prompt: typeof body.prompt === "string" ? after[0] : after });
  },
  embeddings: (_compiled, body) =>
    body.input === undefined ? missing("input", "a string or an array") : Result.succeed({}),
  responses: ({ prompt, tools }, body) => {
    const input = typeof body.input === "string" ? [{ role: "user", content: body.input }] : body.input;
    if (!Array.isArray(input)) return missing("input", "a string or an array of items");
    const own = { input: [...fillPrompt(prompt, body.metadata), ...input] };
    return Result.succeed(tools ? { ...own, tools: tools.map(flatTool) } : own);
  },
};

/** The Responses API writes a function tool flat, where chat completions nest it. */
const flatTool = (tool: unknown): unknown =>
  isJsonObject(tool) && tool.type === "function" && isJsonObject(tool.function)
    ? { type: "function", ...tool.function }
    : tool;

const missing = (param: string, expected: string): Own =>
  Result.fail(invalidRequest(`Missing required parameter: '${param}' must be ${expected}.`, param));
