import { newSigningKey, readSigningKey } from "@sluice/transparency";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import * as Effect from "effect/Effect";
import { json } from "../flags.ts";
import { print, printJson } from "../output.ts";
import { atCommand } from "./audit-at.ts";
import { exportCommand } from "./audit-export.ts";
import { replayCommand } from "./audit-replay.ts";
import { verifyCommand } from "./audit-verify.ts";

const keyCommand = Command.make(
  "key",
  {
    name: Flag.String("name").pipe(
      Flag.withDescription("What the record is called: part of every signature"),
      Flag.withDefault("sluice/record"),
    ),
    json,
  },
  ({ name, json: asJson }) => {
    const key = newSigningKey(name.replaceAll(/[\s+]/gu, "-"));
    return asJson
      ? Effect.flatMap(Effect.fromResult(readSigningKey(key)), ({ verifierKey }) => printJson({ key, verifierKey }))
      : print(key);
  },
).pipe(Command.withDescription("Make a signing key for SLUICE_SIGNING_KEY_FILE; it is a secret"));

export const auditCommand = Command.make("audit").pipe(
  Command.withDescription("The audit record"),
  Command.withSubcommands([verifyCommand, exportCommand, replayCommand, atCommand, keyCommand]),
);
