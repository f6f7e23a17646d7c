import * as NodeRuntime from "@effect/platform-node/NodeRuntime";
import * as Cause from "effect/Cause";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Logger from "effect/Logger";
import type * as Scope from "effect/Scope";
import { SettingsError } from "./settings-error.ts";

/** Exit codes of a service's process, as those of `sluice` (design §5). */
const OK = 0;
const FAILED = 1;
const USAGE = 2;

/**
 * Runs a service as a process of its own: JSON logs, an orderly stop on SIGTERM (which is exit code 0), and every failure of
 * the start as one line. `start` returns once the service runs; it runs until the process is told to stop.
 */
export const launch = (
  service: string,
  start: Effect.Effect<unknown, { readonly message: string }, Scope.Scope>,
): void => {
  const main = start.pipe(
    Effect.andThen(Effect.logInfo("serving")),
    Effect.andThen(Effect.never),
    Effect.scoped,
    Effect.mapError((error) => ("_tag" in error && error._tag === "ConfigError" ? missingSetting(error) : error)),
    Effect.tapError((error) => Effect.logError(error.message)),
    Effect.annotateLogs({ service }),
    Effect.provide(Logger.layer([Logger.consoleJson])),
  );
  NodeRuntime.runMain(main, { disableErrorReporting: true, teardown: (exit, done) => done(codeOf(exit)) });
};

const missingSetting = (error: { readonly message: string }) =>
  new SettingsError({ message: `the environment is incomplete: ${error.message.replaceAll(/\s*\n\s*/g, " ")}` });

const codeOf = (exit: Exit.Exit<unknown, unknown>): number => {
  if (Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)) return OK;
  return Cause.squash(exit.cause) instanceof SettingsError ? USAGE : FAILED;
};
