import { ApplicationName, PlainReason, ReleaseId } from "@sluice/contracts";
import * as Argument from "effect/cli/Argument";
import * as Flag from "effect/cli/Flag";
import * as Schema from "effect/Schema";

// What goes to the registry is checked here by the registry's own rules: who is wrong is told which flag, and not which field.

export const application = Argument.String("application").pipe(
  Argument.withDescription("Name of the application"),
  Argument.withSchema(ApplicationName),
);

export const release = Argument.String("release").pipe(
  Argument.withDescription("Id of the release"),
  Argument.withSchema(ReleaseId),
);

export const ofApplication = (description: string) =>
  Flag.String("application").pipe(Flag.withDescription(description), Flag.withSchema(ApplicationName), Flag.optional);

/** Text of a bounded length, without control characters. */
export const text = (name: string, description: string, maxLength: number) =>
  Flag.String(name).pipe(
    Flag.withDescription(description),
    Flag.withSchema(
      Schema.String.check(
        Schema.isPattern(/^\P{Cc}*$/u, { expected: "text without control characters" }),
        Schema.isMaxLength(maxLength, { expected: `at most ${maxLength} characters` }),
      ),
    ),
  );

export const whole = (name: string, description: string, minimum: number, maximum: number) =>
  Flag.Int(name).pipe(
    Flag.withDescription(description),
    Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum, maximum }))),
  );

export const port = (name: string, description: string, fallback: number) =>
  whole(name, description, 0, 65_535).pipe(Flag.withDefault(fallback));

export const json = Flag.Boolean("json").pipe(
  Flag.withDescription("Print the answer as JSON"),
  Flag.withDefault(false),
);

export const url = Flag.String("url").pipe(
  Flag.withDescription("Address of the registry (default: SLUICE_URL, else http://127.0.0.1:4400)"),
  Flag.optional,
);

export const reason = Flag.String("reason").pipe(
  Flag.withDescription("Why; recorded with your name"),
  Flag.withSchema(PlainReason),
);

export const environment = Flag.String("environment").pipe(
  Flag.withDescription("Environment whose policy is in force (default: production, where the file has it)"),
  Flag.optional,
);

export const organisation = Flag.String("organisation").pipe(
  Flag.withMetavar("FILE"),
  Flag.withDescription("Rules of the organisation, which come before the file's (default: SLUICE_ORGANISATION_POLICY)"),
  Flag.optional,
);
