import * as Schema from "effect/Schema";

/** Design §5: what each exit code of `sluice` means. */
export const exitCodes = {
  passed: 0,
  internal: 1,
  usage: 2,
  blocked: 3,
  inconclusive: 4,
  invalid: 5,
  timedOut: 6,
  interrupted: 130,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** A verb's end other than success. `sentence` is for standard error; null when the verb has said everything already. */
export class Exit extends Schema.TaggedError<Exit>()("Exit", {
  code: Schema.Literals([1, 2, 3, 4, 5, 6, 130]),
  sentence: Schema.NullOr(Schema.String),
}) {}

export const usageError = (sentence: string) => new Exit({ code: exitCodes.usage, sentence });
export const internalError = (sentence: string) => new Exit({ code: exitCodes.internal, sentence });

let serving = false;
/** Called by verbs that run until they are stopped: a stop in good order is then their success. */
export const servesUntilStopped = (): void => {
  serving = true;
};
export const isServing = (): boolean => serving;
