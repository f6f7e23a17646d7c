import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { endWithUs } from "@sluice/postgres/end-with-us";

const cli = fileURLToPath(new URL("../../packages/cli/src/main.ts", import.meta.url));
const KEPT_LINES = 200;

/** One service as a process of its own, which can be killed, frozen and started again under the same settings. */
export class ServiceProcess {
  readonly name: string;
  readonly #args: ReadonlyArray<string>;
  readonly #environment: Readonly<Record<string, string>>;
  #child: ChildProcess | undefined;
  readonly #lines: Array<string> = [];

  constructor(name: string, args: ReadonlyArray<string>, environment: Readonly<Record<string, string>>) {
    this.name = name;
    this.#args = args;
    this.#environment = environment;
  }

  static serving(service: string, environment: Readonly<Record<string, string>>): ServiceProcess {
    return new ServiceProcess(service, [cli, "serve", service], environment);
  }

  /** Returns once it says that it serves. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [...this.#args], {
      env: { PATH: process.env.PATH, NODE_NO_WARNINGS: "1", ...this.#environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    endWithUs(child, "SIGKILL");
    await new Promise<void>((resolve, reject) => {
      let text = "";
      const hear = (chunk: string) => {
        text += chunk;
        const lines = text.split("\n");
        text = lines.pop() ?? "";
        this.#lines.push(...lines);
        this.#lines.splice(0, this.#lines.length - KEPT_LINES);
        if (lines.some((line) => /"serving"|^serving$/.test(line))) resolve();
      };
      child.stdout?.setEncoding("utf8").on("data", hear);
      child.stderr?.setEncoding("utf8").on("data", hear);
      child.once("exit", (code, signal) =>
        reject(new Error(`${this.name} ended with ${code ?? signal} before it served:\n${this.log()}`)),
      );
    });
  }

  /** What it said last. */
  log(): string {
    return this.#lines.slice(-40).join("\n");
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The exit code; null when a signal ended it. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (!child || !this.isRunning) return child?.exitCode ?? null;
    const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
    child.kill(signal);
    return ended;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }
}
