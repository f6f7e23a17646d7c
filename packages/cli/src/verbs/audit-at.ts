import { epochMsOf, ServedAtBody } from "@sluice/contracts";
import * as Clock from "effect/Clock";
import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import { usageError } from "../exit.ts";
import { application, json, url } from "../flags.ts";
import { instant } from "../instant.ts";
import { print, printJson } from "../output.ts";
import { registryAddress } from "../registry-client.ts";
import { readRegistry } from "./release-read.ts";

export const atCommand = Command.make(
  "at",
  {
    application,
    time: Argument.String("time").pipe(Argument.withDescription("An instant, such as 2026-01-31T09:00:00Z")),
    url,
    json,
  },
  (flags) =>
    Effect.gen(function* () {
      const moment = yield* instant("time", flags.time);
      if (epochMsOf(moment) > (yield* Clock.currentTimeMillis))
        return yield* usageError(`time is ${flags.time}, which is to come; give an instant that has been`);
      const query = new URLSearchParams({ application: flags.application, at: moment });
      const address = registryAddress(Option.getOrUndefined(flags.url));
      const served = yield* readRegistry(address, `/v1/audit/at?${query}`, ServedAtBody);
      const { application, at, baseline, candidate, position } = served;
      if (flags.json) yield* printJson(served);
      if (!baseline) return yield* usageError(`${application} was not registered yet at ${at}; give a later instant`);
      if (flags.json) return;
      yield* print(`${application} at ${at} (by the record up to row ${position})`);
      for (const line of partsOf("baseline ", 1 - (candidate?.share ?? 0), baseline)) yield* print(line);
      if (!candidate) return;
      for (const line of partsOf("candidate", candidate.share, candidate.bundle)) yield* print(line);
      yield* print(`  of release ${candidate.releaseId}, ${candidate.phase}`);
    }),
).pipe(Command.withDescription("What an application served at an instant"));

const partsOf = (arm: string, share: number, { digest, artifacts }: NonNullable<ServedAtBody["baseline"]>) => [
  `  ${arm}  ${Number((100 * share).toFixed(4))} % of users  ${digest}`,
  ...Object.entries(artifacts).map(([part, address]) => `    ${part.padEnd(16)} ${address}`),
];
