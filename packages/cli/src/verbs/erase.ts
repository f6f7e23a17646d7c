import { randomUUID } from "node:crypto";
import { clusterKeyOf } from "@sluice/assignment";
import { Digest, Erasure, ErasuresBody } from "@sluice/contracts";
import { amount } from "@sluice/release/words";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Schedule from "effect/Schedule";
import { Exit, exitCodes, usageError } from "../exit.ts";
import { application, json, reason, url } from "../flags.ts";
import { print, printJson } from "../output.ts";
import { printable } from "../printable.ts";
import { askRegistry, type RegistryAddress, registryAddress } from "../registry-client.ts";
import { readRegistry } from "./release-read.ts";

/** ClickHouse rewrites what it holds: a large month takes a while. The registry goes on when nobody waits any more. */
const WITHIN = "2 minutes";

const several = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.withDescription(description), Flag.atLeast(0));

export const eraseCommand = Command.make(
  "erase",
  {
    application,
    user: several("user", "Id of a user, as requests carry it; give it again for more. It does not leave this machine"),
    conversation: several("conversation", "Id of a conversation: what came with one is filed under it, not the user"),
    clusterKey: several("cluster-key", "A cluster key as telemetry has it (of a lone request: its id)"),
    artifact: Flag.String("artifact").pipe(
      Flag.withDescription("Digest of an artifact that holds texts, such as eval results"),
      Flag.withSchema(Digest),
      Flag.atLeast(0),
    ),
    list: Flag.Boolean("list").pipe(
      Flag.withDescription("Show the erasures there are, instead"),
      Flag.withDefault(false),
    ),
    reason: reason.pipe(Flag.optional),
    url,
    json,
  },
  (flags) =>
    Effect.gen(function* () {
      const address = registryAddress(Option.getOrUndefined(flags.url));
      const path = `/v1/applications/${encodeURIComponent(flags.application)}/erasures`;
      const named = [flags.user, flags.conversation, flags.clusterKey, flags.artifact].flat();
      if (flags.list) {
        if (named.length > 0) return yield* usageError("--list shows every erasure; leave out what names one");
        const { erasures } = yield* readRegistry(address, path, ErasuresBody);
        if (flags.json) return yield* printJson({ erasures });
        if (erasures.length === 0) return yield* print("nothing was erased");
        return yield* Effect.forEach(erasures, (one) => print(printable(lineOf(one))), { discard: true });
      }
      if (Option.isNone(flags.reason)) return yield* usageError("--reason is missing; say why, it is recorded");
      // An unset variable of a script would else be an erasure on record that took nothing away.
      if (named.some((id) => id.trim() === ""))
        return yield* usageError("an id of what to erase is blank; check the variable that it came from");
      if (flags.clusterKey.some((key) => printable(key) !== key))
        return yield* usageError("--cluster-key holds a character that no cluster key has; copy it again");
      if (named.length === 0)
        return yield* usageError("nothing is named; give --user, --conversation, --cluster-key or --artifact");
      // The same as gateways have, or the keys are others.
      const secret = process.env.SLUICE_CLUSTER_KEY_SECRET ?? "";
      const clusterKeys = [
        ...flags.user.map((key) => clusterKeyOf({ kind: "user", key }, secret)),
        ...flags.conversation.map((key) => clusterKeyOf({ kind: "conversation", key }, secret)),
        ...flags.clusterKey,
      ];
      const body = { clusterKeys, artifacts: flags.artifact, reason: flags.reason.value };
      const { value } = yield* askRegistry(
        address,
        {
          method: "POST",
          path,
          body,
          idempotencyKey: randomUUID(),
          flags: { reason: "--reason", artifact: "--artifact" },
        },
        Erasure,
      );
      const erasure = yield* carriedOut(address, path, value.erasureId);
      yield* flags.json ? printJson(erasure) : print(printable(lineOf(erasure)));
    }),
).pipe(
  Command.withDescription(
    "Erase users' texts, until now, from wherever they are kept; figures, digests and proofs stay",
  ),
);

/** Waits until the log says that it is done. */
const carriedOut = Effect.fnUntraced(function* (address: RegistryAddress, path: string, erasureId: string) {
  const look = Effect.flatMap(readRegistry(address, path, ErasuresBody), ({ erasures }) => {
    const found = erasures.find((one) => one.erasureId === erasureId && one.erasedAt !== null);
    return found ? Effect.succeed(found) : Effect.fail("not yet" as const);
  });
  return yield* look.pipe(
    Effect.retry({ while: (error) => error === "not yet", schedule: Schedule.spaced("200 millis") }),
    Effect.timeoutOption(WITHIN),
    Effect.flatMap((done) => (Option.isSome(done) ? Effect.succeed(done.value) : Effect.fail("not yet" as const))),
    Effect.catchIf(
      (error) => error === "not yet",
      () =>
        Effect.fail(
          new Exit({
            code: exitCodes.timedOut,
            sentence: `erasure ${erasureId} is on record and not carried out after ${WITHIN}; the registry goes on, sluice erase --list tells`,
          }),
        ),
    ),
  );
});

const lineOf = (one: Erasure): string => {
  const what = `${one.erasureId}  ${one.requestedAt} by ${one.author.id}: ${one.reason}`;
  if (one.erasedAt === null) return `${what}. Not carried out yet`;
  return `${what}. Erased at ${one.erasedAt}: the texts of ${amount(one.observations, "observation")} and ${amount(one.judgements, "judgement")}, ${amount(one.artifacts.length, "artifact")}; the log's own copies expire by ${one.logExpiresAt}`;
};
