import OpenAI from "openai";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { GatewaySettingsInput } from "./settings.ts";
import { errorOf } from "./testing/answers.ts";
import { bundleOf, candidateOf, routingOf } from "./testing/routing-fixture.ts";
import { type RunningTestGateway, startGateway, until } from "./testing/running-gateway.ts";
import {
  answersJson,
  chatChunk,
  fails,
  resetsInStream,
  type SimulatedUpstream,
  says,
  startSimulatedUpstream,
} from "./testing/simulated-upstream.ts";

let upstream: SimulatedUpstream;
let fallback: SimulatedUpstream;
let gateway: RunningTestGateway;
let client: OpenAI;

const start = async (provider: Partial<GatewaySettingsInput["providers"][string]>, more: object = {}) => {
  gateway = await startGateway({
    settings: { providers: { simulated: { baseUrl: upstream.baseUrl, ...provider } }, ...more },
    routings: [routingOf(1)],
  });
  client = new OpenAI({ baseURL: `${gateway.address}/v1`, apiKey: "caller-key", maxRetries: 0 });
};

beforeEach(async () => {
  upstream = await startSimulatedUpstream();
  fallback = await startSimulatedUpstream(says("From the second address."));
});
afterEach(async () => {
  await gateway.stop();
  await upstream.close();
  await fallback.close();
});

const messages = [{ role: "user" as const, content: "Hi" }];
const ask = () => client.chat.completions.create({ model: "support-bot", messages });
const only = async () => {
  await until(() => gateway.observations().length === 1, "the observation");
  return gateway.observations()[0];
};

const response = {
  id: "resp_1",
  object: "response",
  status: "completed",
  output: [
    { type: "message", role: "assistant", content: [{ type: "output_text", text: "Hello there.", annotations: [] }] },
  ],
  usage: { input_tokens: 4, output_tokens: 2, total_tokens: 6 },
};

describe("the other OpenAI endpoints", () => {
  beforeEach(() => start({}));

  it("completions", async () => {
    upstream.behave = answersJson({
      object: "text_completion",
      choices: [{ index: 0, text: " upon a time", finish_reason: "length" }],
      usage: { prompt_tokens: 3, completion_tokens: 3 },
    });
    const answer = await client.completions.create({ model: "support-bot", prompt: "Once" });
    expect(answer.choices[0]?.text).toBe(" upon a time");
    expect(upstream.requests[0]).toMatchObject({
      path: "/v1/completions",
      body: { model: "model-baseline", prompt: "You are baseline.\n\nOnce" },
    });
    expect(await only()).toMatchObject({ finishReason: "length", outputTokens: 3, refused: false });
  });

  it("embeddings", async () => {
    upstream.behave = answersJson({
      object: "list",
      data: [{ object: "embedding", index: 0, embedding: [0.5, 1] }],
      usage: { prompt_tokens: 2, total_tokens: 2 },
    });
    const answer = await client.embeddings.create({ model: "support-bot", input: "Hi", encoding_format: "float" });
    expect(answer.data[0]?.embedding).toEqual([0.5, 1]);
    expect(upstream.requests[0]?.path).toBe("/v1/embeddings");
    expect(await only()).toMatchObject({ inputTokens: 2, refused: null, errorClass: null });
  });

  it("responses", async () => {
    upstream.behave = answersJson(response);
    const answer = await client.responses.create({ model: "support-bot", input: "Hi" });
    expect(answer.output_text).toBe("Hello there.");
    expect(upstream.requests[0]).toMatchObject({
      path: "/v1/responses",
      body: {
        input: [
          { role: "system", content: "You are baseline." },
          { role: "user", content: "Hi" },
        ],
      },
    });
    expect(await only()).toMatchObject({ finishReason: "completed", inputTokens: 4, outputTokens: 2 });
  });

  it("responses, streamed", async () => {
    upstream.behave = (answer) => {
      answer.writeHead(200, { "content-type": "text/event-stream" });
      for (const event of [
        { type: "response.created", response: { ...response, status: "in_progress", output: [] } },
        { type: "response.output_text.delta", delta: "Hello " },
        { type: "response.output_text.delta", delta: "there." },
        { type: "response.completed", response },
      ]) {
        answer.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
      }
      answer.end();
    };
    const stream = await client.responses.create({ model: "support-bot", input: "Hi", stream: true });
    let text = "";
    for await (const event of stream) if (event.type === "response.output_text.delta") text += event.delta;
    expect(text).toBe("Hello there.");
    expect(await only()).toMatchObject({
      errorClass: null,
      finishReason: "completed",
      outputTokens: 2,
      streamed: true,
    });
  });
});

describe("a second address of a provider", () => {
  beforeEach(() => start({ fallbackBaseUrls: [fallback.baseUrl] }));

  it.each([
    { what: "is refused", behave: null },
    { what: "is overloaded", behave: fails(503, "no") },
    { what: "limits its rate", behave: fails(429, { error: { message: "Slow down" } }) },
  ])("answers when the first $what, with the same bundle on the same arm", async ({ behave }) => {
    if (behave) upstream.behave = behave;
    else await upstream.close();
    expect((await ask()).choices[0]?.message.content).toBe("From the second address.");
    const observation = await only();
    expect(observation).toMatchObject({ errorClass: null, status: 200 });
    expect(observation?.servedBundle).toBe(observation?.assignedBundle);
  });

  it("is not asked once something has been passed on, nor for the caller's own errors", async () => {
    upstream.behave = resetsInStream;
    const stream = await client.chat.completions.create({ model: "support-bot", messages, stream: true });
    await expect(
      (async () => {
        for await (const _ of stream);
      })(),
    ).rejects.toThrow("broke off");
    upstream.behave = fails(400, { error: { message: "Bad" } });
    await expect(ask()).rejects.toThrow("Bad");
    expect(fallback.requests).toHaveLength(0);
  });
});

describe("token counts of streams", () => {
  it("are asked for where the provider knows how, observed, and kept from a caller who did not ask", async () => {
    await start({ streamUsage: true });
    upstream.behave = (answer) => {
      answer.writeHead(200, { "content-type": "text/event-stream" });
      for (const chunk of [
        { ...chatChunk({ content: "Hello." }, "stop"), usage: null },
        { ...chatChunk({}), choices: [], usage: { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 } },
      ]) {
        answer.write(`data: ${JSON.stringify(chunk)}\n\n`);
      }
      answer.end("data: [DONE]\n\n");
    };
    const lengthsOf = async (more: object) => {
      const stream = await client.chat.completions.create({ model: "support-bot", messages, stream: true, ...more });
      const lengths: Array<number> = [];
      for await (const chunk of stream) lengths.push(chunk.choices.length);
      return lengths;
    };
    expect(await lengthsOf({})).toEqual([1]);
    expect(upstream.requests[0]?.body).toMatchObject({ stream_options: { include_usage: true } });
    expect(await lengthsOf({ stream_options: { include_usage: true } })).toEqual([1, 0]);
    await until(() => gateway.observations().length === 2);
    for (const observation of gateway.observations()) {
      expect(observation).toMatchObject({ inputTokens: 9, outputTokens: 2, finishReason: "stop" });
    }
  });
});

describe("headers to the upstream", () => {
  it("carry the provider's key and never the caller's", async () => {
    process.env.SLUICE_TEST_PROVIDER_KEY = "provider-key";
    await start({ apiKeyEnv: "SLUICE_TEST_PROVIDER_KEY", headers: { "X-Organisation": "us" } });
    await client.chat.completions.create(
      { model: "support-bot", messages },
      { headers: { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", cookie: "secret" } },
    );
    const headers = upstream.requests[0]?.headers;
    expect(headers).toMatchObject({
      authorization: "Bearer provider-key",
      "x-organisation": "us",
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    });
    expect(headers?.cookie).toBeUndefined();
  });

  it("carry nothing where no key is set, and the caller's where that is wanted", async () => {
    await start({});
    await ask();
    expect(upstream.requests[0]?.headers.authorization).toBeUndefined();
    await gateway.stop();
    await start({ passAuthorization: true });
    await ask();
    expect(upstream.requests[1]?.headers.authorization).toBe("Bearer caller-key");
  });

  it("name the retrieval index", async () => {
    await start({});
    const index = { kind: "retrieval-index" as const, name: "handbook", version: "7" };
    await gateway.route(
      routingOf(2, { candidate: candidateOf(bundleOf("candidate", { "retrieval-index": index }), { share: 1 }) }),
    );
    await ask();
    expect(upstream.requests[0]?.headers["x-sluice-retrieval-index"]).toBe("handbook@7");
  });

  it("leave the retrieval index to a field of the body where the provider wants it there", async () => {
    await start({ retrievalIndexField: "knowledge_base" });
    const index = { kind: "retrieval-index" as const, name: "handbook", version: "7" };
    await gateway.route(
      routingOf(2, { candidate: candidateOf(bundleOf("candidate", { "retrieval-index": index }), { share: 1 }) }),
    );
    await ask();
    expect(upstream.requests[0]?.body).toMatchObject({ knowledge_base: "handbook@7" });
    expect(upstream.requests[0]?.headers["x-sluice-retrieval-index"]).toBeUndefined();
  });

  it("need a provider: a bundle that names an unknown one is an error of its arm", async () => {
    await start({});
    const model = { kind: "model" as const, provider: "nobody", model: "m", parameters: {} };
    await gateway.route(routingOf(2, { candidate: candidateOf(bundleOf("candidate", { model }), { share: 1 }) }));
    await expect(ask()).rejects.toMatchObject({ status: 502 });
    expect(await only()).toMatchObject({ arm: "candidate", errorClass: "connection" });
  });
});

describe("the cost of a request", () => {
  it("is its tokens at the price of the model that was served, and unknown without one", async () => {
    await start({ prices: { "model-baseline": { inputUsdPerMillion: 2, outputUsdPerMillion: 10 } } });
    await ask();
    // 7 tokens in, 3 out.
    expect((await only())?.costUsd).toBeCloseTo((7 * 2 + 3 * 10) / 1e6, 12);
    await gateway.stop();
    await start({});
    await ask();
    expect((await only())?.costUsd).toBeNull();
  });
});

describe("callers", () => {
  it("need a key where keys are set", async () => {
    await start({}, { clientKeys: ["caller-key", "other-key"] });
    expect((await ask()).choices).toHaveLength(1);
    const stranger = new OpenAI({ baseURL: `${gateway.address}/v1`, apiKey: "stranger", maxRetries: 0 });
    await expect(stranger.models.list()).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
    await expect(stranger.chat.completions.create({ model: "support-bot", messages })).rejects.toBeInstanceOf(
      OpenAI.AuthenticationError,
    );
    expect(upstream.requests).toHaveLength(1);
  });

  it("who may choose the arm needs no caller's key besides", async () => {
    await start({}, { clientKeys: ["caller-key"], probeKey: "probe-key" });
    const ask = (key: string) =>
      fetch(`${gateway.address}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-sluice-arm": "baseline", "x-sluice-key": key },
        body: JSON.stringify({ model: "support-bot", messages }),
      }).then((answer) => answer.status);
    expect([await ask("probe-key"), await ask("guess")]).toEqual([200, 401]);
  });

  it.each(["announced", "chunked"])("with a body above the bound are told so (%s)", async (how) => {
    await start({}, { maxRequestBytes: 1_000 });
    const text = JSON.stringify({ model: "support-bot", messages: [{ role: "user", content: "x".repeat(100_000) }] });
    const body = how === "announced" ? text : new Blob([text]).stream();
    const answer = await fetch(`${gateway.address}/v1/chat/completions`, {
      method: "POST",
      body,
      ...(how === "chunked" && { duplex: "half" as const }),
    });
    expect(answer.status).toBe(413);
    expect((await errorOf(answer)).message).toContain("1000 bytes");
    expect(upstream.requests).toHaveLength(0);
  });
});

describe("a start that cannot be", () => {
  beforeEach(() => start({}));

  it("says which key is missing, and which port is taken", async () => {
    const starting = (settings: GatewaySettingsInput) => startGateway({ settings, deaf: true });
    const providers = { simulated: { baseUrl: upstream.baseUrl } };
    await expect(
      starting({ providers: { simulated: { ...providers.simulated, apiKeyEnv: "SLUICE_TEST_NOT_SET" } } }),
    ).rejects.toThrow("SLUICE_TEST_NOT_SET");
    const port = Number(new URL(gateway.address).port);
    await expect(starting({ providers, port })).rejects.toThrow(`127.0.0.1:${port}`);
  });
});
