import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { createChdbConnection } from "chdb/connection";

export interface ClickHouseTestServer {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/**
 * ClickHouse's HTTP interface over chDB, the same engine as a library: what `@clickhouse/client` sends to a server is what is
 * tested. For tests; it knows one user and one database, and answers when a statement is done.
 */
export const clickHouseTestServer = async (path: string, port = 0): Promise<ClickHouseTestServer> => {
  // What a statement sets stays set for its connection, and a connection runs one statement at a time: so writing, reading
  // and read-only statements have one each.
  const connections = {
    write: createChdbConnection({ path }),
    read: createChdbConnection({ path }),
    readOnly: createChdbConnection({ path }),
  };
  const server = createServer((request, response) => {
    if (request.url === "/ping") return void response.end("Ok.\n");
    answer(request, connections).then(
      (bytes) => response.end(bytes),
      (cause) => refuse(response, cause instanceof Error ? cause.message : String(cause)),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    for (const connection of Object.values(connections)) await connection.close();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
};

type Connection = ReturnType<typeof createChdbConnection>;

const answer = async (
  request: IncomingMessage,
  connections: { readonly write: Connection; readonly read: Connection; readonly readOnly: Connection },
): Promise<string> => {
  const settings: Record<string, string> = {};
  const parameters: Record<string, string> = {};
  let statement = "";
  for (const [name, value] of new URL(request.url ?? "/", "http://server").searchParams) {
    if (name === "query") statement = value;
    else if (name.startsWith("param_")) parameters[name.slice("param_".length)] = unescaped(value);
    else if (!transport.has(name)) settings[name] = value;
  }
  const body = await text(request);
  const query = statement === "" ? body : `${statement}\n${body}`;
  const isRead = /^\s*(?:SELECT|WITH|SHOW|EXPLAIN|DESCRIBE)\b/i.test(query);
  const connection = settings.readonly ? connections.readOnly : isRead ? connections.read : connections.write;
  const result = await connection.exec({ query, clickhouse_settings: settings, query_params: parameters });
  return text(result.stream);
};

/** Of the request and not of the statement. */
const transport = new Set(["query_id", "database", "session_id", "role", "user", "password"]);

/** Values of parameters come as in TSV. */
const unescaped = (value: string): string =>
  value.replaceAll(/\\(.)/gs, (_match, character: string) => escapes[character] ?? character);
const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f", "0": "\0" };

const refuse = (response: ServerResponse, message: string): void => {
  const code = message.match(/Code: (\d+)/)?.[1];
  response.writeHead(500, code === undefined ? {} : { "x-clickhouse-exception-code": code });
  response.end(message);
};
