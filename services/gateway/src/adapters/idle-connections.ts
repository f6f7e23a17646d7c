import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * Closes connections that have been idle for between one and two times `keepAliveMs`. Node's own keep-alive timeout takes a
 * timer down and puts one up for each request, a twentieth of what a request costs; this looks at all connections now and
 * then. One that has never asked anything is Node's to end (`headersTimeout`). Returns what stops it.
 */
export const closeIdleConnections = (server: Server, keepAliveMs: number): (() => void) => {
  const latest = new Map<Socket, ServerResponse>();
  const foundIdle = new WeakSet<ServerResponse>();
  server.on("request", ({ socket }, response) => {
    if (!latest.has(socket)) socket.once("close", () => latest.delete(socket));
    latest.set(socket, response);
  });
  const sweep = setInterval(() => {
    for (const [socket, response] of latest) {
      if (!response.closed) continue;
      if (foundIdle.has(response)) socket.destroy();
      else foundIdle.add(response);
    }
  }, keepAliveMs);
  sweep.unref();
  return () => clearInterval(sweep);
};
