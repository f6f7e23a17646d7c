import { randomUUID } from "node:crypto";
import { DecidedBody, Digest } from "@sluice/contracts";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import { application, json, reason, release, text, url } from "../flags.ts";
import { instantOrIn } from "../instant.ts";
import { print, printJson } from "../output.ts";
import { askRegistry, registryAddress } from "../registry-client.ts";

interface Asked {
  readonly url: Option.Option<string>;
  readonly json: boolean;
}

const flagsOf = { expiresAt: "--expires", incident: "--incident", reason: "--reason", to: "--to" };

/** Each call is an intention of its own: whoever runs the verb again means it again. */
const act = Effect.fnUntraced(function* (
  asked: Asked,
  path: string,
  body: Readonly<Record<string, unknown>>,
  done: (answer: typeof DecidedBody.Type) => string,
) {
  const { answer, value } = yield* askRegistry(
    registryAddress(Option.getOrUndefined(asked.url)),
    { method: "POST", path, body, idempotencyKey: randomUUID(), flags: flagsOf },
    DecidedBody,
  );
  yield* asked.json ? printJson(answer) : print(done(value));
});

/** Verbs that act on one release and need nothing but a reason. */
const action = (name: "pause" | "resume" | "advance" | "abort", description: string, done: string) =>
  Command.make(name, { release, reason, url, json }, (flags) =>
    act(
      flags,
      `/v1/releases/${encodeURIComponent(flags.release)}/${name}`,
      { reason: flags.reason },
      () => `${flags.release}: ${done}`,
    ),
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
    release,
    reason,
    incident: text("incident", "Link to the incident that makes it necessary", 2_000).pipe(Flag.optional),
    expires: Flag.String("expires").pipe(
      Flag.withDescription("When it ends, unless the release is at 100 % by then: 24h, 90m, 7d, or an instant"),
      Flag.optional,
    ),
    url,
    json,
  },
  (flags) =>
    Effect.gen(function* () {
      const expires = Option.getOrUndefined(flags.expires);
      const expiresAt = expires === undefined ? null : yield* instantOrIn("--expires", expires);
      yield* act(
        flags,
        `/v1/releases/${encodeURIComponent(flags.release)}/override`,
        { reason: flags.reason, incident: Option.getOrNull(flags.incident), expiresAt },
        ({ events }) =>
          events.some(({ type }) => type === "OverrideProposed")
            ? `${flags.release}: the override is proposed; somebody else with the role has to run the same command`
            : `${flags.release}: the gate is overridden, on record`,
      );
    }),
).pipe(Command.withDescription("Force a blocked release past the offline gate (role approver); recorded and counted"));

export const rollbackCommand = Command.make(
  "rollback",
  {
    application,
    to: Flag.String("to").pipe(
      Flag.withDescription("Digest of a bundle that was fully released before"),
      Flag.withSchema(Digest),
    ),
    reason,
    url,
    json,
  },
  (flags) =>
    act(
      flags,
      `/v1/applications/${encodeURIComponent(flags.application)}/rollback`,
      { to: flags.to, reason: flags.reason },
      () => `${flags.application}: rolled back to ${flags.to}`,
    ),
).pipe(Command.withDescription("Go back to an earlier bundle at once, without gates"));
