import { type ChildProcess, spawn } from "node:child_process";

/**
 * Reads `pid signal` lines (`gone`: it has ended, and its number may be another's by now), and sends the signals when its
 * input ends, which is when whoever started it is gone.
 */
const WATCH = `
const signals = new Map();
process.on("SIGTERM", () => {}).on("SIGINT", () => {});
require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const [pid, signal] = line.split(" ");
  if (signal === "gone") signals.delete(pid);
  else signals.set(pid, signal);
}).on("close", () => {
  for (const [pid, signal] of signals) try { process.kill(Number(pid), signal); } catch {}
});`;

let watch: ChildProcess | undefined;

/** The process ends when this one does, however that ends: a test run that is killed leaves no server behind. */
export const endWithUs = (child: ChildProcess, signal: NodeJS.Signals): void => {
  if (child.pid === undefined) return;
  if (!watch) {
    watch = spawn(process.execPath, ["-e", WATCH], { stdio: ["pipe", "ignore", "ignore"], detached: true });
    watch.unref();
    // It is told by the end of the pipe, and must not keep this process alive for that.
    if (watch.stdin && "unref" in watch.stdin && typeof watch.stdin.unref === "function") watch.stdin.unref();
  }
  const tell = (what: string) => watch?.stdin?.write(`${child.pid} ${what}\n`);
  tell(signal);
  child.once("exit", () => tell("gone"));
};
