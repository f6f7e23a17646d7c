import { hash } from "node:crypto";
import type { AddressInfo } from "node:net";
import fastify from "fastify";
import { type Dispatcher, Pool } from "undici";

/**
 * What any such gateway must at least do: fastify and undici's dispatch, one parse, the model rewritten, one hash, one
 * record in memory. No rendering, no checks, no errors, nothing published. As "mirror" it asks a second time when the user
 * has the answer, and throws away what comes: less than that no mirror in Node can do.
 */
const [upstreamUrl = "", mode = "plain"] = process.argv.slice(2);
const upstream = new Pool(upstreamUrl, { connections: 256 });
const shadow = new Pool(upstreamUrl, { connections: 256 });
const records: Array<object> = [];
const app = fastify({ bodyLimit: 32 * 1_024 * 1_024 });
app.removeAllContentTypeParsers();
app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));

const callOf = (body: string): Dispatcher.DispatchOptions => ({
  method: "POST",
  path: "/v1/chat/completions",
  headers: ["content-type", "application/json"],
  body,
});

const nobody: Dispatcher.DispatchHandler = {
  onRequestStart() {},
  onResponseStart() {},
  onResponseData() {},
  onResponseEnd() {},
  onResponseError() {},
};

app.post("/v1/chat/completions", (request, reply) => {
  const startedMs = performance.now();
  const body = JSON.parse(String(request.body));
  const bucket = Number.parseInt(hash("sha256", String(body.user), "hex").slice(0, 8), 16) % 10_000;
  body.model = "model-baseline";
  const rendered = JSON.stringify(body);
  reply.hijack();
  const { raw } = reply;
  const chunks: Array<Buffer> = [];
  let streamed = false;
  upstream.dispatch(callOf(rendered), {
    onRequestStart() {},
    onResponseStart(_controller, status, headers) {
      streamed = String(headers["content-type"]).startsWith("text/event-stream");
      if (streamed) raw.writeHead(status, ["content-type", "text/event-stream"]);
    },
    onResponseData(_controller, chunk) {
      if (streamed) raw.write(chunk);
      else chunks.push(chunk);
    },
    onResponseEnd() {
      if (streamed) raw.end();
      else {
        const answer = Buffer.concat(chunks);
        raw.writeHead(200, ["content-type", "application/json", "content-length", String(answer.length)]);
        raw.end(answer);
      }
      records.push({ bucket, latencyMs: performance.now() - startedMs });
      if (records.length > 10_000) records.length = 0;
      if (mode === "mirror") shadow.dispatch(callOf(rendered), nobody);
    },
    onResponseError() {
      raw.destroy();
    },
  });
});
await app.listen({ port: 0, host: "127.0.0.1" });
process.send?.({ port: (app.server.address() as AddressInfo).port });
