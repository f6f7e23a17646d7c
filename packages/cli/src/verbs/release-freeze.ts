import { randomUUID } from "node:crypto";
import { DecidedBody, DecidedForAllBody } from "@sluice/contracts";
import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import { type Exit, usageError } from "../exit.ts";
import { application, json, reason, url } from "../flags.ts";
import { instantOrIn } from "../instant.ts";
import { print, printJson, remark } from "../output.ts";
import { askRegistry, registryAddress } from "../registry-client.ts";

const target = {
  application: Argument.optional(application),
  all: Flag.Boolean("all").pipe(
    Flag.withDescription("Every application, also those registered later"),
    Flag.withDefault(false),
  ),
  reason,
  url,
  json,
};

interface Asked {
  readonly application: Option.Option<string>;
  readonly all: boolean;
  readonly url: Option.Option<string>;
  readonly json: boolean;
}

const flagsOf = { until: "--until", reason: "--reason" };

/** Who asks for all is told of each. */
const Answer = Schema.Union([DecidedForAllBody, DecidedBody]);

/** One application or all of them: that nobody freezes the wrong ones, it has to be said. */
const pathOf = ({ application, all }: Asked, verb: string): Effect.Effect<string, Exit> => {
  if (Option.isSome(application) === all)
    return Effect.fail(usageError(all ? "give an application or --all, not both" : "give an application, or --all"));
  return Effect.succeed(
    Option.isSome(application) ? `/v1/applications/${encodeURIComponent(application.value)}/${verb}` : `/v1/${verb}`,
  );
};

const ask = Effect.fnUntraced(function* (
  asked: Asked,
  verb: "freeze" | "unfreeze" | "stop",
  body: Readonly<Record<string, unknown>>,
  done: string,
) {
  const { answer, value } = yield* askRegistry(
    registryAddress(Option.getOrUndefined(asked.url)),
    { method: "POST", path: yield* pathOf(asked, verb), body, idempotencyKey: randomUUID(), flags: flagsOf },
    Answer,
  );
  if (asked.json) yield* printJson(answer);
  else yield* print(`${Option.getOrElse(asked.application, () => "every application")}: ${done}`);
  const pending = "pending" in value ? value.pending : [];
  if (pending.length > 0)
    yield* remark(
      `not confirmed yet for ${pending.join(", ")}: the controller sees to it before it does anything else`,
    );
});

export const freezeCommand = Command.make(
  "freeze",
  {
    ...target,
    until: Flag.String("until").pipe(
      Flag.withDescription("When it ends by itself: 90m, 24h, 7d or an instant (default: until somebody lifts it)"),
      Flag.optional,
    ),
  },
  (flags) =>
    Effect.gen(function* () {
      const until = Option.isSome(flags.until) ? yield* instantOrIn("--until", flags.until.value) : null;
      yield* ask(flags, "freeze", { reason: flags.reason, until }, until ? `frozen until ${until}` : "frozen");
    }),
).pipe(Command.withDescription("Let no candidate get more users until it is lifted; rollbacks and aborts are exempt"));

export const unfreezeCommand = Command.make("unfreeze", target, (flags) =>
  ask(flags, "unfreeze", { reason: flags.reason }, "no freeze and no emergency stop is in force any more"),
).pipe(
  Command.withDescription(
    "Lift freezes and emergency stops; for one application also its part in those of all, with --all those of all only",
  ),
);

export const stopCommand = Command.make("stop", target, (flags) =>
  ask(flags, "stop", { reason: flags.reason }, "stopped: all users are on the baseline; lift it with release unfreeze"),
).pipe(
  Command.withDescription(
    "Emergency stop: every user to the baseline at once, canaries are rolled back, nothing goes forward until it is lifted",
  ),
);
