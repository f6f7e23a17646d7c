import { setTimeout as delay } from "node:timers/promises";
import Fastify, { type FastifyReply } from "fastify";
import { type Behaviour, simulateAnswer } from "./behaviour.ts";

export interface ModelServerSettings {
  readonly port: number;
  readonly seed: number;
  readonly models: Readonly<Record<string, Behaviour>>;
}

export interface ModelServer {
  /** Up to and with the version: `http://127.0.0.1:…/v1`. */
  readonly baseUrl: string;
  /** Requests by model and status, since the start. */
  readonly served: ReadonlyMap<string, number>;
  readonly close: () => Promise<void>;
}

interface ChatBody {
  readonly model: string;
  readonly stream?: boolean;
  readonly messages: ReadonlyArray<{ readonly role: string; readonly content: string }>;
}

/** An OpenAI-compatible server whose answers are simulated, and say so in the header `x-simulated`. */
export const startModelServer = async ({ port, seed, models }: ModelServerSettings): Promise<ModelServer> => {
  const served = new Map<string, number>();
  const buckets = new Map<string, Bucket>();
  const app = Fastify({ forceCloseConnections: true });
  app.addHook("onSend", async (_request, reply) => void reply.header("x-simulated", "true"));
  app.get("/v1/models", () => ({
    object: "list",
    data: Object.keys(models).map((id) => ({ id, object: "model", created: 0, owned_by: "simulated" })),
  }));

  app.post<{ Body: ChatBody }>("/v1/chat/completions", async (request, reply) => {
    const { model, messages, stream } = request.body;
    const behaviour = models[model];
    const count = (status: number) => served.set(`${model} ${status}`, (served.get(`${model} ${status}`) ?? 0) + 1);
    const fail = (status: number, code: string, message: string) => {
      count(status);
      return reply.code(status).send({ error: { message, type: code, param: null, code } });
    };
    if (!behaviour) return fail(404, "model_not_found", `the simulated server has no model ${model}`);
    if (!admitted(buckets, model, behaviour)) {
      reply.header("retry-after", "1");
      return fail(429, "rate_limit_exceeded", "the simulated model is at its capacity");
    }
    const prompt = messages.filter(({ role }) => role === "system" || role === "developer");
    const answer = simulateAnswer(
      behaviour,
      seed,
      model,
      prompt.map(({ content }) => content).join("\n"),
      messages.at(-1)?.content ?? "",
    );
    await delay(answer.latencyMs);
    if (answer.status === 500) return fail(500, "server_error", answer.text);
    count(200);
    return stream ? streamed(reply, model, answer.text) : completion(model, messages, answer.text);
  });

  const address = await app.listen({ host: "127.0.0.1", port });
  return { baseUrl: `${address}/v1`, served, close: () => app.close() };
};

interface Bucket {
  tokens: number;
  filledAt: number;
}

/** A token bucket of one second's capacity for each model. */
const admitted = (buckets: Map<string, Bucket>, model: string, { capacityPerSecond }: Behaviour): boolean => {
  if (capacityPerSecond === null) return true;
  const now = performance.now();
  const bucket = buckets.get(model) ?? { tokens: capacityPerSecond, filledAt: now };
  buckets.set(model, bucket);
  bucket.tokens = Math.min(capacityPerSecond, bucket.tokens + ((now - bucket.filledAt) / 1_000) * capacityPerSecond);
  bucket.filledAt = now;
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
};

const tokensOf = (text: string): number => Math.ceil(text.length / 4);

const completion = (model: string, messages: ChatBody["messages"], text: string) => {
  const promptTokens = messages.reduce((sum, { content }) => sum + tokensOf(content), 0);
  return {
    id: "chatcmpl-simulated",
    object: "chat.completion",
    created: Math.floor(Date.now() / 1_000),
    model,
    choices: [{ index: 0, message: { role: "assistant", content: text, refusal: null }, finish_reason: "stop" }],
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: tokensOf(text),
      total_tokens: promptTokens + tokensOf(text),
    },
  };
};

/** Word by word, as OpenAI's stream. */
const streamed = (reply: FastifyReply, model: string, text: string) => {
  const chunk = (delta: object, finish: string | null) =>
    `data: ${JSON.stringify({
      id: "chatcmpl-simulated",
      object: "chat.completion.chunk",
      created: Math.floor(Date.now() / 1_000),
      model,
      choices: [{ index: 0, delta, finish_reason: finish }],
    })}\n\n`;
  const words = text.split(/(?<= )/);
  reply.hijack();
  reply.raw.writeHead(200, { "content-type": "text/event-stream", "x-simulated": "true" });
  reply.raw.write(chunk({ role: "assistant", content: "" }, null));
  for (const word of words) reply.raw.write(chunk({ content: word }, null));
  reply.raw.end(`${chunk({}, "stop")}data: [DONE]\n\n`);
  return reply;
};
