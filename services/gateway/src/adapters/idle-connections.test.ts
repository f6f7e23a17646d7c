import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { expect, it } from "vitest";
import { closeIdleConnections } from "./idle-connections.ts";

it("closes a connection that nobody uses, and none that waits for its answer", async () => {
  const answers: Array<() => void> = [];
  const server = createServer({ keepAliveTimeout: 0 });
  const stop = closeIdleConnections(server, 20);
  server.on("request", (request, response) => {
    if (request.url === "/late") answers.push(() => response.end("late"));
    else response.end("at once");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const ask = (path: string) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`));
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk;
    });
    return new Promise<string>((resolve) => socket.on("close", () => resolve(text)));
  };
  const late = ask("/late");
  // Each of these is closed for idleness after its answer, while the one that waits is not.
  expect(await ask("/")).toMatch(/at once$/);
  expect(await ask("/")).toMatch(/at once$/);
  for (const answer of answers) answer();
  expect(await late).toMatch(/late$/);
  stop();
  await new Promise((resolve) => server.close(resolve));
});
