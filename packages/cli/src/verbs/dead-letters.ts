import { DeadLettersBody } from "@sluice/contracts";
import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import { json, url } from "../flags.ts";
import { print, printJson } from "../output.ts";
import { printable } from "../printable.ts";
import { callRegistry, registryAddress } from "../registry-client.ts";
import { readRegistry } from "./release-read.ts";

const listCommand = Command.make("list", { url, json }, (flags) =>
  Effect.gen(function* () {
    const address = registryAddress(Option.getOrUndefined(flags.url));
    const answer = yield* readRegistry(address, "/v1/dead-letters", DeadLettersBody);
    if (flags.json) return yield* printJson(answer);
    if (answer.deadLetters.length === 0) return yield* print("there is none");
    for (const { id, type, bytes, readable, reason } of answer.deadLetters)
      yield* print(
        printable(
          `${id}  ${type ?? "of no type"}, ${bytes} bytes, ${readable ? "can be read now" : "unreadable"}: ${reason}`,
        ),
      );
  }),
).pipe(Command.withDescription("Records that some service could not read, and why"));

const replayCommand = Command.make(
  "replay",
  {
    id: Argument.String("id").pipe(Argument.withDescription("topic/partition/offset, as list names it")),
    url,
    json,
  },
  (flags) =>
    Effect.gen(function* () {
      const address = registryAddress(Option.getOrUndefined(flags.url));
      const path = "/v1/dead-letters/replay";
      const answer = yield* callRegistry(address, { method: "POST", path, body: { id: flags.id } });
      yield* flags.json ? printJson(answer) : print(`${flags.id} is at the end of its topic again`);
    }),
).pipe(Command.withDescription("Publish one again, once this version can read it"));

export const deadLettersCommand = Command.make("dead-letters").pipe(
  Command.withDescription("Records that could not be read: on their own topic, with the reason"),
  Command.withSubcommands([listCommand, replayCommand]),
);
