import { fork } from "node:child_process";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { Exit, exitCodes, internalError } from "../exit.ts";

// A run that is killed has requests under way, which are paid. So the work is done by a courier, a process of its own group:
// when the one that people see and kill is gone, the courier sends nothing more, waits for the answers that are under way,
// writes them into the journal and ends. The next run waits for that and asks none of them again.

const ROLE = "SLUICE_EVAL_COURIER";

export const isCourier = (): boolean => process.env[ROLE] === "1" && process.send !== undefined;

/** Runs this very command in a courier and ends as it ends. */
export const inCourier: Effect.Effect<void, Exit> = Effect.callback<void, Exit>((resume) => {
  const [, main = ""] = process.argv;
  const child = fork(main, process.argv.slice(2), {
    detached: true,
    env: { ...process.env, [ROLE]: "1" },
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  child.on("error", (cause) => resume(Effect.fail(internalError(`the run cannot be started: ${cause.message}`))));
  child.on("exit", (code, signal) => resume(endOf(code, signal)));
  // Interrupted, it ends after the courier: who waits for this process finds everything written.
  return Effect.callback<void>((done) => {
    if (child.exitCode !== null || child.signalCode !== null) return done(Effect.void);
    child.once("exit", () => done(Effect.void));
    if (child.connected) child.disconnect();
  });
});

const endOf = (code: number | null, signal: string | null): Effect.Effect<void, Exit> => {
  if (code === exitCodes.passed) return Effect.void;
  const known = Object.values(exitCodes).find((candidate) => candidate === code);
  // The courier has said why.
  if (known) return Effect.fail(new Exit({ code: known, sentence: null }));
  return Effect.fail(
    internalError(`the run was ended by ${signal ?? `exit code ${code}`}; run the same command again to go on`),
  );
};

/** In the courier: ends in good order when the process that started it is gone. */
export const outlivesItsStarter: Effect.Effect<void, never, Scope.Scope> = Effect.asVoid(
  Effect.acquireRelease(
    Effect.sync(() => {
      const stop = () => void process.kill(process.pid, "SIGTERM");
      process.once("disconnect", stop);
      // Nobody may be left who reads; that is no reason to lose an answer.
      for (const output of [process.stdout, process.stderr]) output.on("error", () => {});
      if (!process.connected) stop();
      return stop;
    }),
    (stop) =>
      Effect.sync(() => {
        process.removeListener("disconnect", stop);
        if (process.connected) process.disconnect?.();
      }),
  ),
);
