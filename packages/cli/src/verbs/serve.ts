import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import * as Effect from "effect/Effect";

const services = ["gate", "gateway", "shadow-judge", "canary-controller", "registry"] as const;

export const serveCommand = Command.make(
  "serve",
  {
    service: Argument.Literals("service", services).pipe(Argument.withDescription("Which service")),
    // As every verb has it: nobody needs to know which one cannot say anything else.
    json: Flag.Boolean("json").pipe(
      Flag.withDescription("Changes nothing: a service's log is a line of JSON for each entry anyway"),
      Flag.withDefault(false),
    ),
  },
  ({ service }) =>
    Effect.gen(function* () {
      const { serviceMains } = yield* Effect.promise(() => import("@sluice/stack/service-mains"));
      yield* Effect.promise(serviceMains[service]);
      // The service's own main ends the process, once it has stopped in good order.
      return yield* Effect.never;
    }).pipe(Effect.uninterruptible),
).pipe(Command.withDescription("Run one service on Kafka, PostgreSQL and ClickHouse, as the environment names them"));
