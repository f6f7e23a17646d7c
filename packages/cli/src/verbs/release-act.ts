import { randomUUID } from "node:crypto";
import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import { json, reason, url } from "../flags.ts";
import { print, printJson } from "../output.ts";
import { callRegistry, registryAddress } from "../registry-client.ts";

const releaseArgument = Argument.String("release").pipe(Argument.withDescription("Id of the release"));

/** Verbs that act on one release and need nothing but a reason. */
const action = (name: "pause" | "resume" | "advance" | "abort", description: string, done: string) =>
  Command.make(name, { release: releaseArgument, reason, url, json }, (flags) =>
    Effect.gen(function* () {
      const answer = yield* callRegistry(registryAddress(Option.getOrUndefined(flags.url)), {
        method: "POST",
        path: `/v1/releases/${encodeURIComponent(flags.release)}/${name}`,
        body: { reason: flags.reason },
        idempotencyKey: randomUUID(),
      });
      yield* flags.json ? printJson(answer) : print(`${flags.release}: ${done}`);
    }),
  ).pipe(Command.withDescription(description));

export const pauseCommand = action("pause", "Stop a release from going forward; its checks go on", "paused");
export const resumeCommand = action("resume", "Let a paused release go on", "resumed");
export const advanceCommand = action(
  "advance",
  "Skip the rest of the step's hold; its checks are not skipped",
  "the hold of this step is skipped",
);
export const abortCommand = action("abort", "End a release now; all traffic to the baseline", "aborted");

export const overrideCommand = Command.make(
  "override",
  {
    release: releaseArgument,
    reason,
    incident: Flag.String("incident").pipe(
      Flag.withDescription("Link to the incident that makes it necessary"),
      Flag.optional,
    ),
    url,
    json,
  },
  (flags) =>
    Effect.gen(function* () {
      const answer = yield* callRegistry(registryAddress(Option.getOrUndefined(flags.url)), {
        method: "POST",
        path: `/v1/releases/${encodeURIComponent(flags.release)}/override`,
        body: { reason: flags.reason, incident: Option.getOrNull(flags.incident) },
        idempotencyKey: randomUUID(),
      });
      yield* flags.json ? printJson(answer) : print(`${flags.release}: the gate is overridden, on record`);
    }),
).pipe(Command.withDescription("Force a blocked release past the offline gate (role approver); recorded and counted"));

export const rollbackCommand = Command.make(
  "rollback",
  {
    application: Argument.String("application"),
    to: Flag.String("to").pipe(Flag.withDescription("Digest of a bundle that was fully released before")),
    reason,
    url,
    json,
  },
  (flags) =>
    Effect.gen(function* () {
      const answer = yield* callRegistry(registryAddress(Option.getOrUndefined(flags.url)), {
        method: "POST",
        path: `/v1/applications/${encodeURIComponent(flags.application)}/rollback`,
        body: { to: flags.to, reason: flags.reason },
        idempotencyKey: randomUUID(),
      });
      yield* flags.json ? printJson(answer) : print(`${flags.application}: rolled back to ${flags.to}`);
    }),
).pipe(Command.withDescription("Go back to an earlier bundle at once, without gates"));
