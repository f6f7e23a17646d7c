import { VerificationBody } from "@sluice/contracts";
import * as Command from "effect/cli/Command";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import { Exit, exitCodes } from "../exit.ts";
import { json, url } from "../flags.ts";
import { print, printJson } from "../output.ts";
import { registryAddress } from "../registry-client.ts";
import { readRegistry } from "./release-read.ts";

const verifyCommand = Command.make("verify", { url, json }, (flags) =>
  Effect.gen(function* () {
    const address = registryAddress(Option.getOrUndefined(flags.url));
    const result = yield* readRegistry(address, "/v1/audit/verify", VerificationBody);
    const [first] = result.faults;
    if (flags.json) yield* printJson(result);
    else if (!first) yield* print(`${result.rows} rows, unbroken chain, head ${result.head}`);
    else for (const fault of result.faults) yield* print(`row ${fault.position} ${fault.kind}: ${fault.sentence}`);
    if (first)
      return yield* new Exit({
        code: exitCodes.invalid,
        sentence: `the record is not what was written: ${first.sentence}`,
      });
  }),
).pipe(Command.withDescription("Check the hash chain of the whole record"));

export const auditCommand = Command.make("audit").pipe(
  Command.withDescription("The audit record"),
  Command.withSubcommands([verifyCommand]),
);
