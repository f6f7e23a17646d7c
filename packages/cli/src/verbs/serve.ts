import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import * as Effect from "effect/Effect";

const services = ["gate", "gateway", "shadow-judge", "canary-controller", "registry"] as const;

export const serveCommand = Command.make(
  "serve",
  { service: Argument.Literals("service", services).pipe(Argument.withDescription("Which service")) },
  ({ service }) =>
    Effect.gen(function* () {
      const { serviceMains } = yield* Effect.promise(() => import("@sluice/stack/service-mains"));
      yield* Effect.promise(serviceMains[service]);
      // The service's own main ends the process, once it has stopped in good order.
      return yield* Effect.never;
    }).pipe(Effect.uninterruptible),
).pipe(Command.withDescription("Run one service on Kafka, PostgreSQL and ClickHouse, as the environment names them"));
