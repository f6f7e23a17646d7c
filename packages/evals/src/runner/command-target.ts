import { type ChildProcess, spawn } from "node:child_process";
import { performance } from "node:perf_hooks";
import * as Effect from "effect/Effect";
import { estimatedTokens } from "./prices.ts";
import type { RenderedCase } from "./render-case.ts";
import { type Answer, AskFailure, type Target } from "./target.ts";

const MAX_OUTPUT_BYTES = 8 * 1_024 * 1_024;
const MAX_STDERR_CHARACTERS = 200;

/**
 * A command that answers one case: the input on standard input, the answer on standard output, any exit code but 0 an
 * error. The rendered request is in SLUICE_REQUEST for those who want the bundle's prompt. What a command does can change
 * without its name, so answers serve to finish an interrupted run and no other.
 */
export const commandTarget = (command: string, timeoutMs: number): Target => ({
  identity: `command ${command}`,
  isReusable: false,
  ask: (rendered, repeat) =>
    Effect.callback<Answer, AskFailure>((resume) => {
      const startedAt = performance.now();
      const child = spawn(command, {
        shell: true,
        // A group of its own, so that a time limit ends what the shell started too.
        detached: true,
        stdio: ["pipe", "pipe", "pipe"],
        env: environmentOf(rendered, repeat),
      });
      let timedOut = false;
      const timer = setTimeout(() => {
        timedOut = true;
        killGroup(child);
      }, timeoutMs);
      const output = collected(child, "stdout", MAX_OUTPUT_BYTES, () => killGroup(child));
      const remarks = collected(child, "stderr", MAX_STDERR_CHARACTERS, () => {});
      child.stdin?.on("error", () => {
        // A command need not read its input.
      });
      child.stdin?.end(rendered.input);
      child.on("error", (cause) => resume(Effect.fail(failure(`cannot be started: ${cause.message}`))));
      child.on("close", (code, signal) => {
        clearTimeout(timer);
        if (timedOut) resume(Effect.fail(failure(`no answer within ${timeoutMs} ms`, "transient")));
        else if (output.isFull()) resume(Effect.fail(failure("the command wrote more than 8 MiB")));
        else if (code !== 0) resume(Effect.fail(failure(endOf(code, signal, remarks.text()))));
        else resume(Effect.succeed(answerOf(rendered, output.text(), performance.now() - startedAt)));
      });
      return Effect.sync(() => {
        clearTimeout(timer);
        killGroup(child);
      });
    }),
});

const environmentOf = (rendered: RenderedCase, repeat: number): NodeJS.ProcessEnv => ({
  ...process.env,
  SLUICE_CASE_ID: rendered.caseId,
  SLUICE_REPEAT: String(repeat),
  // The operating system limits one variable to 128 KiB; a command that needs more has the input.
  ...(Buffer.byteLength(rendered.body) < 100_000 && { SLUICE_REQUEST: rendered.body }),
});

const failure = (message: string, kind: AskFailure["kind"] = "refused") =>
  new AskFailure({ kind, message: `the command failed: ${message}`, retryAfterMs: null, maybePaid: true });

const endOf = (code: number | null, signal: string | null, remarks: string): string => {
  const said = remarks.replaceAll(/\p{Cc}+/gu, " ").trim();
  return `${code === null ? `signal ${signal}` : `exit code ${code}`}${said ? ` (${said})` : ""}`;
};

const answerOf = (rendered: RenderedCase, output: string, latencyMs: number): Answer => ({
  // The line end that a shell command writes is no part of what it says.
  output: output.replace(/\r?\n$/u, ""),
  inputTokens: estimatedTokens(rendered.body),
  outputTokens: estimatedTokens(output),
  counted: false,
  latencyMs: Math.round(latencyMs),
});

const collected = (child: ChildProcess, name: "stdout" | "stderr", limit: number, onFull: () => void) => {
  const chunks: Array<Buffer> = [];
  let bytes = 0;
  child[name]?.on("data", (chunk: Buffer) => {
    if (bytes <= limit) chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > limit) onFull();
  });
  return { isFull: () => bytes > limit, text: () => Buffer.concat(chunks).subarray(0, limit).toString("utf8") };
};

const killGroup = (child: ChildProcess): void => {
  try {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
};
