import * as NodeServices from "@effect/platform-node/NodeServices";
import * as Cause from "effect/Cause";
import type { CliError } from "effect/cli/CliError";
import * as CliOutput from "effect/cli/CliOutput";
import * as Command from "effect/cli/Command";
import * as Effect from "effect/Effect";
import * as Logger from "effect/Logger";
import { Exit, exitCodes, isServing, usageError } from "./exit.ts";
import { emptyArgument, invocationSentence, withValues } from "./invocation.ts";
import { say } from "./output.ts";
import { sluice } from "./sluice.ts";

/** One sentence on standard error and an exit code with a meaning (design §5), whatever went wrong. */
export const codeOf = (cause: Cause.Cause<unknown>): number => {
  if (Cause.hasInterruptsOnly(cause)) return isServing() ? exitCodes.passed : exitCodes.interrupted;
  const failure = Cause.squash(cause);
  if (failure instanceof Exit) {
    if (failure.sentence) say(failure.sentence);
    return failure.code;
  }
  if (isInvalidInvocation(failure)) {
    const [first] = failure.errors;
    if (!first) return exitCodes.passed;
    say(invocationSentence(first, failure.commandPath));
    return exitCodes.usage;
  }
  say(failure instanceof Error && failure.message ? failure.message : "an unexpected error ended the command");
  if (process.env.SLUICE_DEBUG) process.stderr.write(`${Cause.pretty(cause)}\n`);
  return exitCodes.internal;
};

const isInvalidInvocation = (
  failure: unknown,
): failure is { commandPath: ReadonlyArray<string>; errors: ReadonlyArray<CliError> } =>
  typeof failure === "object" && failure !== null && "_tag" in failure && failure._tag === "ShowHelp";

/** Help is for those who ask; whoever mistyped gets the sentence alone. */
const withoutHelpOnError = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(CliOutput.Presenter, (presenter) =>
    Effect.provideService(effect, CliOutput.Presenter, {
      present: (event) => (event._tag === "InvalidInvocation" ? Effect.void : presenter.present(event)),
    }),
  );

/** Runs what the arguments ask for. How it ended is `codeOf`'s to say. */
export const commandLine = (args: ReadonlyArray<string>) =>
  Effect.suspend(() => {
    const empty = emptyArgument(args);
    if (empty !== null) return Effect.fail(usageError(empty));
    return Command.runWith(sluice, { version: "0.1.0" })(withValues(args));
  }).pipe(
    withoutHelpOnError,
    Effect.provide(NodeServices.layer),
    // Standard output is the answer's.
    Effect.provideService(Logger.LogToStderr, true),
    Effect.scoped,
  );
