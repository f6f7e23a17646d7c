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

export const environment = Flag.String("environment").pipe(
  Flag.withDescription("Environment whose policy is in force (default: production, where the file has it)"),
  Flag.optional,
);

export const organisation = Flag.String("organisation").pipe(
  Flag.withMetavar("FILE"),
  Flag.withDescription("Rules of the organisation, which come before the file's (default: SLUICE_ORGANISATION_POLICY)"),
  Flag.optional,
);
