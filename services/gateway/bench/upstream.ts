import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * The simulated upstream of the benchmark, in a process of its own: a fixed answer at once, or after 20 ms a stream of
 * events 5 ms apart.
 */
const FIRST_EVENT_MS = 20;
const EVENTS = 10;
const EVENT_PAUSE_MS = 5;

const answer = Buffer.from(
  JSON.stringify({
    id: "chatcmpl-bench",
    object: "chat.completion",
    created: 1,
    model: "simulated",
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: "Your order left our house yesterday and should reach you on Friday." },
        finish_reason: "stop",
      },
    ],
    usage: { prompt_tokens: 42, completion_tokens: 15, total_tokens: 57 },
  }),
);
const event = (i: number) =>
  `data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1,"model":"simulated","choices":[{"index":0,"delta":{"content":"word ${i} "},"finish_reason":${i === EVENTS ? '"stop"' : "null"}}]}\n\n`;

const server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
  const chunks: Array<Buffer> = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    if (!Buffer.concat(chunks).includes('"stream":true')) {
      response.writeHead(200, ["content-type", "application/json", "content-length", String(answer.length)]);
      response.end(answer);
      return;
    }
    let sent = 0;
    const next = () => {
      if (sent === 0) response.writeHead(200, ["content-type", "text/event-stream"]);
      sent += 1;
      response.write(event(sent));
      if (sent < EVENTS) setTimeout(next, EVENT_PAUSE_MS);
      else response.end("data: [DONE]\n\n");
    };
    setTimeout(next, FIRST_EVENT_MS);
  });
});
server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port }));
