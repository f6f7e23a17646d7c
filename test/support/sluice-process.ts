import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../packages/cli/src/main.ts", import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command line as a process of its own: what people run. */
export class SluiceProcess {
  readonly #child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout = "";
  stderr = "";

  constructor(args: ReadonlyArray<string>, environment: Readonly<Record<string, string>> = {}) {
    this.#child = spawn(process.execPath, [main, ...args], {
      env: { ...process.env, NO_COLOR: "1", ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
      this.stdout += chunk;
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
      this.stderr += chunk;
    });
    this.ended = new Promise((resolve, reject) => {
      this.#child.on("error", reject);
      this.#child.on("close", (code) => resolve({ code, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves with the match once standard output has it; fails when the process ends first. */
  async said(pattern: RegExp): Promise<RegExpMatchArray> {
    const output = this.#child.stdout;
    while (true) {
      const match = this.stdout.match(pattern);
      if (match) return match;
      const more = new Promise<void>((resolve) => output?.once("data", () => resolve()));
      const ended = await Promise.race([more.then(() => null), this.ended]);
      if (ended && !this.stdout.match(pattern))
        throw new Error(`ended with ${ended.code} before saying ${pattern}:\n${ended.stdout}\n${ended.stderr}`);
    }
  }
}

/** Runs a verb to its end. */
export const sluice = (
  args: ReadonlyArray<string>,
  environment: Readonly<Record<string, string>> = {},
): Promise<Ended> => new SluiceProcess(args, environment).ended;
