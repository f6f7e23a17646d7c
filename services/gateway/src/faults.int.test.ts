import type { ErrorClass } from "@sluice/contracts";
import OpenAI from "openai";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { routingOf } from "./testing/routing-fixture.ts";
import { type RunningTestGateway, startGateway, until } from "./testing/running-gateway.ts";
import {
  answersGarbage,
  answersJson,
  type Behaviour,
  chatAnswer,
  chatChunk,
  endsWithoutDone,
  fails,
  hangs,
  resetsBeforeHead,
  resetsInStream,
  type SimulatedUpstream,
  says,
  startSimulatedUpstream,
  streams,
  streamsGarbage,
} from "./testing/simulated-upstream.ts";

let upstream: SimulatedUpstream;
let gateway: RunningTestGateway;
let client: OpenAI;

beforeEach(async () => {
  upstream = await startSimulatedUpstream();
  gateway = await startGateway({
    settings: {
      providers: {
        simulated: { baseUrl: upstream.baseUrl, connections: 8, headTimeoutMs: 300, idleTimeoutMs: 300 },
      },
    },
    routings: [routingOf(1)],
  });
  client = new OpenAI({ baseURL: `${gateway.address}/v1`, apiKey: "not-used", maxRetries: 0 });
});
afterEach(async () => {
  await gateway.stop();
  await upstream.close();
});

const messages = [{ role: "user" as const, content: "Hi" }];
const ask = () => client.chat.completions.create({ model: "support-bot", messages });
const askStreamed = async () => {
  const stream = await client.chat.completions.create({ model: "support-bot", messages, stream: true });
  let text = "";
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
  return text;
};
const failureOf = (asked: Promise<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> =>
  asked.then(
    () => Promise.reject(new Error("it was answered")),
    (error) => (error instanceof OpenAI.APIError ? error : Promise.reject(error)),
  );
const observed = async () => {
  await until(() => gateway.observations().length > 0, "the observation");
  return gateway.observations()[0];
};

describe("the official OpenAI client", () => {
  it("gets a whole answer", async () => {
    const answer = await ask();
    expect(answer.choices[0]?.message.content).toBe("Hello.");
    expect(answer.usage?.total_tokens).toBe(10);
  });

  it("gets a stream, event by event", async () => {
    upstream.behave = streams(["One ", "two ", "three."], 5);
    expect(await askStreamed()).toBe("One two three.");
    const observation = await observed();
    expect(observation).toMatchObject({ streamed: true, errorClass: null, finishReason: "stop", refused: false });
    expect(observation?.timeToFirstTokenMs).toBeGreaterThan(0);
    expect(observation?.timeToFirstTokenMs).toBeLessThan(observation?.latencyMs ?? 0);
  });

  it("gets tool calls and sends images untouched", async () => {
    const call = { id: "call-1", type: "function", function: { name: "look_up", arguments: '{"order":7}' } };
    upstream.behave = answersJson(chatAnswer("", { tool_calls: [call] }));
    const image = { type: "image_url" as const, image_url: { url: "data:image/png;base64,iVBORw0KGgo=" } };
    const answer = await client.chat.completions.create({
      model: "support-bot",
      messages: [{ role: "user", content: [{ type: "text", text: "Which order?" }, image] }],
      tools: [{ type: "function", function: { name: "look_up", parameters: { type: "object" } } }],
    });
    expect(answer.choices[0]?.message.tool_calls).toEqual([call]);
    expect(upstream.requests[0]?.body).toMatchObject({
      messages: [{ role: "system" }, { content: [{ type: "text" }, image] }],
      tools: [{ function: { name: "look_up" } }],
    });
  });

  it("gets tool calls of a stream, piece by piece", async () => {
    upstream.behave = (response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      const piece = (fn: object, more: object = {}) => chatChunk({ tool_calls: [{ index: 0, ...more, function: fn }] });
      for (const chunk of [
        chatChunk({ role: "assistant", content: null }),
        piece({ name: "look_up", arguments: "" }, { id: "call-1", type: "function" }),
        piece({ arguments: '{"order"' }),
        piece({ arguments: ":7}" }),
        chatChunk({}, "tool_calls"),
      ]) {
        response.write(`data: ${JSON.stringify(chunk)}\n\n`);
      }
      response.end("data: [DONE]\n\n");
    };
    const stream = client.chat.completions.stream({ model: "support-bot", messages });
    const answer = await stream.finalChatCompletion();
    expect(answer.choices[0]?.message.tool_calls).toMatchObject([
      { id: "call-1", function: { name: "look_up", arguments: '{"order":7}' } },
    ]);
    expect(await observed()).toMatchObject({ finishReason: "tool_calls", errorClass: null });
  });

  it("lists models", async () => {
    const models = await client.models.list();
    expect(models.data.map(({ id }) => id)).toEqual(["support-bot"]);
  });

  it("sees a refusal counted, in words, in its own field, and by the filter", async () => {
    for (const behave of [
      says("I'm sorry, but I cannot help with that."),
      answersJson(chatAnswer("", { refusal: "No." })),
      answersJson({
        ...chatAnswer("Well"),
        choices: [{ index: 0, message: { role: "assistant", content: "Well" }, finish_reason: "content_filter" }],
      }),
    ]) {
      upstream.behave = behave;
      await ask();
    }
    await until(() => gateway.observations().length === 3);
    expect(gateway.observations().map(({ refused }) => refused)).toEqual([true, true, true]);
  });
});

interface Fault {
  readonly what: string;
  readonly behave: Behaviour;
  readonly status: number;
  readonly errorClass: ErrorClass;
}

const faults: ReadonlyArray<Fault> = [
  { what: "a reset connection", behave: resetsBeforeHead, status: 502, errorClass: "connection" },
  { what: "silence", behave: hangs, status: 504, errorClass: "timeout" },
  { what: "half a JSON", behave: answersGarbage, status: 502, errorClass: "malformed" },
  { what: "no chat completion", behave: answersJson({ hello: 1 }), status: 502, errorClass: "malformed" },
  { what: "status 500 in HTML", behave: fails(500, "<h1>Oops</h1>"), status: 500, errorClass: "upstream-5xx" },
  {
    what: "status 503 in OpenAI's form",
    behave: fails(503, { error: { message: "Overloaded", type: "server_error", code: null, param: null } }),
    status: 503,
    errorClass: "upstream-5xx",
  },
  {
    what: "status 400",
    behave: fails(400, { error: { message: "Bad", type: "invalid_request_error", code: "x", param: "y" } }),
    status: 400,
    errorClass: "upstream-4xx",
  },
  {
    what: "our key refused",
    behave: fails(401, { error: { message: "Incorrect API key provided: sk-abc", type: "invalid_request_error" } }),
    status: 502,
    errorClass: "upstream-4xx",
  },
];

describe("an upstream fault before the first byte", () => {
  it.each(faults)("$what gives OpenAI's error and class $errorClass", async ({ behave, status, errorClass }) => {
    upstream.behave = behave;
    const error = await failureOf(ask());
    expect(error.status).toBe(status);
    expect(error.message).not.toContain("sk-abc");
    expect(error.message.length).toBeGreaterThan(5);
    expect(await observed()).toMatchObject({ status, errorClass, refused: null });
  });

  it("429 keeps its Retry-After", async () => {
    upstream.behave = fails(
      429,
      { error: { message: "Slow down", type: "rate_limit_error", code: "rate_limit_exceeded", param: null } },
      { "retry-after": "7", "x-ratelimit-remaining-requests": "0" },
    );
    const error = await failureOf(ask());
    expect(error).toBeInstanceOf(OpenAI.RateLimitError);
    expect(error.headers?.get("retry-after")).toBe("7");
    expect(error.headers?.get("x-ratelimit-remaining-requests")).toBe("0");
    expect(await observed()).toMatchObject({ status: 429, errorClass: "rate-limited" });
  });

  it("nobody there is a connection error", async () => {
    await upstream.close();
    const error = await failureOf(ask());
    expect(error.status).toBe(502);
    expect(await observed()).toMatchObject({ errorClass: "connection" });
  });

  it("nobody there is one error each for those who wait for the same connections, and no harm to those after them", async () => {
    await upstream.close();
    const failures = await Promise.all(Array.from({ length: 40 }, () => failureOf(ask())));
    expect(new Set(failures.map(({ status }) => status))).toEqual(new Set([502]));
    await until(() => gateway.observations().length === 40);
    expect(new Set(gateway.observations().map(({ errorClass }) => errorClass))).toEqual(new Set(["connection"]));
    expect((await fetch(`${gateway.address}/readyz`)).status).toBe(200);
  });

  it("one reset is tried again", async () => {
    let first = true;
    upstream.behave = (response, request) => {
      if (first) resetsBeforeHead(response, request);
      else says("Here I am.")(response, request);
      first = false;
    };
    expect((await ask()).choices[0]?.message.content).toBe("Here I am.");
    expect(await observed()).toMatchObject({ errorClass: null });
  });
});

describe("an upstream fault within a stream", () => {
  it.each<{ what: string; behave: Behaviour; errorClass: ErrorClass }>([
    { what: "a reset", behave: resetsInStream, errorClass: "truncated" },
    { what: "an end without an end", behave: endsWithoutDone, errorClass: "truncated" },
    { what: "garbage", behave: streamsGarbage, errorClass: "malformed" },
    {
      what: "silence",
      behave: (response) => {
        response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
      },
      errorClass: "timeout",
    },
    {
      what: "an error event",
      behave: (response) => {
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.end('data: {"error":{"message":"It broke","type":"server_error"}}\n\n');
      },
      errorClass: "upstream-5xx",
    },
  ])("$what is raised by the client and is of class $errorClass", async ({ behave, errorClass }) => {
    upstream.behave = behave;
    await failureOf(askStreamed());
    expect(await observed()).toMatchObject({ status: 200, errorClass, streamed: true });
    await until(() => upstream.busy() === 0, "the upstream to be left");
  });
});

describe("hostile input", () => {
  it("in a header of an answer is not passed on", async () => {
    upstream.behave = (response) => {
      const body = JSON.stringify(chatAnswer("Fine."));
      response.socket?.end(
        `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-ratelimit-note: ✓\r\nx-ratelimit-limit-requests: 5\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      );
    };
    const { data, response } = await client.chat.completions.create({ model: "support-bot", messages }).withResponse();
    expect(data.choices[0]?.message.content).toBe("Fine.");
    expect(response.headers.get("x-ratelimit-limit-requests")).toBe("5");
    expect(response.headers.get("x-ratelimit-note")).toBeNull();
  });

  it("nested beyond any stack does no harm", async () => {
    const deep = `${"[".repeat(200_000)}${"]".repeat(200_000)}`;
    const response = await fetch(`${gateway.address}/v1/chat/completions`, {
      method: "POST",
      body: `{"model":"support-bot","messages":[],"deep":${deep}}`,
    });
    expect([200, 400]).toContain(response.status);
    expect((await ask()).choices[0]?.message.content).toBe("Hello.");
  });
});

describe("large answers", () => {
  it("of 10 MB pass, byte for byte", async () => {
    const content = "0123456789abcdef".repeat(655_360);
    upstream.behave = answersJson(chatAnswer(content));
    const answer = await ask();
    expect(answer.choices[0]?.message.content === content).toBe(true);
  });

  it("as a single event of 10 MB pass as well", async () => {
    const word = "0123456789abcdef".repeat(655_360);
    upstream.behave = streams([word, "end"]);
    expect((await askStreamed()) === `${word}end`).toBe(true);
  });
});
