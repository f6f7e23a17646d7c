import * as NodeRuntime from "@effect/platform-node/NodeRuntime";
import * as Cause from "effect/Cause";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Logger from "effect/Logger";
import type * as Scope from "effect/Scope";
import { processMetrics } from "./operations.ts";
import { type Read, type Readers, readSettings } from "./read-settings.ts";
import { SettingsError } from "./settings-error.ts";
import { collector, tracingTo } from "./tracing.ts";

/** Exit codes of a service's process, as those of `sluice` (design §5). */
const OK = 0;
const FAILED = 1;
const USAGE = 2;

/**
 * Runs a service as a process of its own: JSON logs, an orderly stop on SIGTERM (which is exit code 0), and every failure of
 * the start as one line. It reads `needs` first and tells all faults of the environment together. `start` returns once the
 * service runs; it runs until the process is told to stop.
 */
export const launch = <const Needs extends Readers>(
  service: string,
  needs: Needs,
  start: (settings: Read<Needs>) => Effect.Effect<unknown, { readonly message: string }, Scope.Scope>,
): void => {
  const started = (address: string | null) =>
    readSettings(needs).pipe(
      Effect.flatMap(start),
      Effect.andThen(processMetrics),
      Effect.andThen(Effect.logInfo("serving")),
      Effect.andThen(Effect.never),
      Effect.scoped,
      Effect.provide(tracingTo(address, service)),
    );
  const main = readSettings({ ...needs, collector }).pipe(
    Effect.mapError(
      ({ message }) => new SettingsError({ message: `the environment of ${service} is not complete: ${message}` }),
    ),
    Effect.flatMap((read) => started(read.collector)),
    Effect.tapError((error) => Effect.logError(error.message)),
    Effect.annotateLogs({ service }),
    Effect.provide(Logger.layer([Logger.consoleJson])),
  );
  NodeRuntime.runMain(main, { disableErrorReporting: true, teardown: (exit, done) => done(codeOf(exit)) });
};

const codeOf = (exit: Exit.Exit<unknown, unknown>): number => {
  if (Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)) return OK;
  return Cause.squash(exit.cause) instanceof SettingsError ? USAGE : FAILED;
};
