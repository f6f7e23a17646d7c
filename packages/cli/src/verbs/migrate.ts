import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import { internalError, usageError } from "../exit.ts";
import { json } from "../flags.ts";
import { print, printJson } from "../output.ts";

export const migrateCommand = Command.make(
  "migrate",
  {
    print: Flag.Boolean("print").pipe(
      Flag.withDescription("Print ClickHouse's statements instead of running any, for whoever must run them"),
      Flag.withDefault(false),
    ),
    cluster: Flag.String("cluster").pipe(
      Flag.withDescription("With --print: for the ClickHouse cluster of this name"),
      Flag.optional,
    ),
    json,
  },
  (flags) =>
    Effect.gen(function* () {
      if (flags.print) {
        const { clickHouseSchema } = yield* Effect.promise(() => import("@sluice/telemetry/clickhouse/schema"));
        const statements = clickHouseSchema(Option.getOrNull(flags.cluster));
        return yield* flags.json
          ? printJson({ statements })
          : print(statements.map((statement) => `${statement};`).join("\n\n"));
      }
      const { migrateServers, SettingsError } = yield* Effect.promise(() => import("@sluice/service-host"));
      yield* Effect.mapError(migrateServers, (error) =>
        error instanceof SettingsError ? usageError(error.message) : internalError(error.message),
      );
      yield* flags.json
        ? printJson({ migrated: true })
        : print("PostgreSQL and ClickHouse are where this version needs them");
    }),
).pipe(
  Command.withDescription(
    "Bring PostgreSQL and ClickHouse forward, as the environment names them; there is no way back",
  ),
);
