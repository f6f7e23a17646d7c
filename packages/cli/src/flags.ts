import * as Flag from "effect/cli/Flag";

export const json = Flag.Boolean("json").pipe(
  Flag.withDescription("Print the answer as JSON"),
  Flag.withDefault(false),
);

export const url = Flag.String("url").pipe(
  Flag.withDescription("Address of the registry (default: SLUICE_URL, else http://127.0.0.1:4400)"),
  Flag.optional,
);

export const reason = Flag.String("reason").pipe(Flag.withDescription("Why; recorded with your name"));
