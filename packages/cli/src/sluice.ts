import * as Command from "effect/cli/Command";

/** The command line: one file per verb under `verbs/`. Heavy parts are loaded by the verb that needs them. */
export const sluice = Command.make("sluice").pipe(
  Command.withDescription("CI/CD for prompts and models: offline gate, shadow, canary, rollback, audit record."),
);
