import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { Part } from "./part.ts";

const run = promisify(execFile);

/** A peer, or why it is not there. */
export type Peer = Part | { readonly skipped: string };

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
};

const listens = async (port: number, seconds: number): Promise<boolean> => {
  for (const end = performance.now() + seconds * 1_000; performance.now() < end; await sleep(100)) {
    const socket = connect(port, "127.0.0.1");
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    });
    socket.destroy();
    if (isOpen) return true;
  }
  return false;
};

const PORTKEY = "1.15.2";

/** From npm into a folder of the system's temporary ones, which stays there for the next run. */
export const startPortkey = async (): Promise<Peer> => {
  const folder = join(tmpdir(), `sluice-bench-portkey-${PORTKEY}`);
  const file = join(folder, "node_modules/@portkey-ai/gateway/build/start-server.js");
  if (!existsSync(file)) {
    await mkdir(folder, { recursive: true });
    const manifest = {
      private: true,
      dependencies: { "@portkey-ai/gateway": PORTKEY },
      // With the version that it asks for every streamed answer of it is a 500.
      overrides: { "@hono/node-server": "1.13.8" },
    };
    await writeFile(join(folder, "package.json"), JSON.stringify(manifest));
    try {
      await run("npm", ["install", "--no-audit", "--no-fund"], { cwd: folder, timeout: 240_000 });
    } catch (error) {
      return { skipped: `portkey: npm could not install it (${String(error).split("\n")[0]})` };
    }
  }
  const port = await freePort();
  const child = spawn(process.execPath, [file, `--port=${port}`, "--headless"], {
    stdio: "ignore",
    env: { ...process.env, NODE_ENV: "production" },
  });
  return (await listens(port, 15)) ? { child, port } : { skipped: "portkey: it does not listen" };
};

/** One worker, as the gateway is one process; every request is mirrored to the same upstream. */
export const startNginx = async (upstreamPort: number): Promise<Peer> => {
  const folder = await mkdtemp(join(tmpdir(), "sluice-bench-nginx-"));
  const port = await freePort();
  const proxy = `proxy_http_version 1.1; proxy_set_header connection "";`;
  const configuration = `daemon off; pid ${folder}/pid; error_log ${folder}/error.log; worker_processes 1;
events { worker_connections 4096; }
http {
  access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; keepalive_requests 1000000000;
  upstream model { server 127.0.0.1:${upstreamPort}; keepalive 256; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port};
    location / { mirror /mirror; proxy_pass http://model; ${proxy} }
    location = /mirror { internal; proxy_pass http://model$request_uri; ${proxy} }
  }
}`;
  await writeFile(join(folder, "nginx.conf"), configuration);
  const child = spawn("nginx", ["-p", folder, "-c", join(folder, "nginx.conf")], { stdio: "ignore" });
  const missing = new Promise<true>((resolve) => child.once("error", () => resolve(true)));
  if (await Promise.race([missing, sleep(200)])) return { skipped: "nginx: it is not installed" };
  return (await listens(port, 5)) ? { child, port } : { skipped: "nginx: it does not listen" };
};
