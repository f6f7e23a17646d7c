import { execFile } from "node:child_process";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { questionOf } from "./question.ts";

const run = promisify(execFile);

export interface FullLoad {
  readonly answered: number;
  readonly failed: number;
  readonly elapsedMs: number;
}

/** wrk at so many connections, with a thousand users in turn; null where it is not installed. */
export const wrk = async (): Promise<
  ((port: number, connections: number, seconds: number, host: string) => Promise<FullLoad>) | null
> => {
  try {
    // It has no exit code of its own for its version.
    await run("wrk", ["-v"]).catch((error) => (error.code === "ENOENT" ? Promise.reject(error) : null));
  } catch {
    return null;
  }
  const folder = await mkdtemp(join(tmpdir(), "sluice-bench-wrk-"));
  return async (port, connections, seconds, host) => {
    const script = join(folder, "ask.lua");
    await writeFile(script, luaOf(host));
    const { stdout } = await run("wrk", [
      ...["-t1", `-c${connections}`, `-d${seconds}s`, "-s", script],
      `http://127.0.0.1:${port}/v1/chat/completions`,
    ]);
    const [, answered = "0", took = "0"] = /(\d+) requests in ([\d.]+)s/.exec(stdout) ?? [];
    const failed = Number(/Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? 0);
    return { answered: Number(answered) - failed, failed, elapsedMs: Number(took) * 1_000 };
  };
};

const luaOf = (host: string): string => `
local requests = {}
local n = 0
local headers = {}
${Object.entries(questionOf(0, false, host).headers)
  .map(([name, value]) => `headers["${name}"] = "${value}"`)
  .join("\n")}
init = function()
  for i = 0, 999 do
    requests[i] = wrk.format("POST", nil, headers, (string.gsub('${questionOf(0, false, host).body}', "user%-0", "user-" .. i)))
  end
end
request = function()
  n = (n + 1) % 1000
  return requests[n]
end
`;
