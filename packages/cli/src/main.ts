import * as NodeRuntime from "@effect/platform-node/NodeRuntime";
import * as NodeServices from "@effect/platform-node/NodeServices";
import * as Cause from "effect/Cause";
import * as CliOutput from "effect/cli/CliOutput";
import * as Command from "effect/cli/Command";
import * as Effect from "effect/Effect";
import { Exit, exitCodes, isServing } from "./exit.ts";
import { sluice } from "./sluice.ts";

// One sentence on standard error and an exit code with a meaning (design §5), whatever went wrong.
const say = (sentence: string) => process.stderr.write(`sluice: ${sentence}\n`);

const codeOf = (cause: Cause.Cause<unknown>): number => {
  if (Cause.hasInterruptsOnly(cause)) return isServing() ? exitCodes.passed : exitCodes.interrupted;
  const failure = Cause.squash(cause);
  if (failure instanceof Exit) {
    if (failure.sentence) say(failure.sentence);
    return failure.code;
  }
  if (isInvalidInvocation(failure)) {
    const [first] = failure.errors;
    if (!first) return exitCodes.passed;
    say(`${first.message}; see ${failure.commandPath.join(" ")} --help`);
    return exitCodes.usage;
  }
  say(failure instanceof Error && failure.message ? failure.message : "an unexpected error ended the command");
  if (process.env.SLUICE_DEBUG) process.stderr.write(`${Cause.pretty(cause)}\n`);
  return exitCodes.internal;
};

const isInvalidInvocation = (
  failure: unknown,
): failure is { commandPath: ReadonlyArray<string>; errors: ReadonlyArray<Error> } =>
  typeof failure === "object" && failure !== null && "_tag" in failure && failure._tag === "ShowHelp";

/** Help is for those who ask; whoever mistyped gets the sentence alone. */
const withoutHelpOnError = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(CliOutput.Presenter, (presenter) =>
    Effect.provideService(effect, CliOutput.Presenter, {
      present: (event) => (event._tag === "InvalidInvocation" ? Effect.void : presenter.present(event)),
    }),
  );

/**
 * `--expires -1h` is a value that is wrong, and not the flags -1 and -h, which would print the help as if it had been asked
 * for: no flag begins with a digit.
 */
const withValues = (args: ReadonlyArray<string>): ReadonlyArray<string> =>
  args.reduce<Array<string>>((joined, arg) => {
    const flag = joined.at(-1);
    if (/^-\d/u.test(arg) && flag?.startsWith("--") && flag !== "--" && !flag.includes("="))
      joined[joined.length - 1] = `${flag}=${arg}`;
    else joined.push(arg);
    return joined;
  }, []);

const program = Command.runWith(sluice, { version: "0.1.0" })(withValues(process.argv.slice(2))).pipe(
  withoutHelpOnError,
  Effect.provide(NodeServices.layer),
  Effect.scoped,
);

NodeRuntime.runMain(program, {
  disableErrorReporting: true,
  teardown: (exit, done) => done(exit._tag === "Success" ? exitCodes.passed : codeOf(exit.cause)),
});
