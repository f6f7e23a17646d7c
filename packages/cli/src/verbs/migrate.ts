import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import { internalError, usageError } from "../exit.ts";
import { json } from "../flags.ts";
import { print, printJson } from "../output.ts";

/** As a comment: where there are no such columns the statements fail. */
const oldTexts = (statements: string) =>
  `Where the table observations still has the columns input and output, of a version before, run these too, and on a cluster
what stands above once more after them:

${statements}`.replaceAll(/^/gmu, "-- ");

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
      if (!flags.print && Option.isSome(flags.cluster))
        return yield* usageError("--cluster is for --print; the statements on a cluster are run by whoever runs it");
      if (flags.print) {
        const { clickHouseSchema } = yield* Effect.promise(() => import("@sluice/telemetry/clickhouse/schema"));
        const { movingTexts } = yield* Effect.promise(() => import("@sluice/telemetry/clickhouse/move-texts"));
        const cluster = Option.getOrNull(flags.cluster);
        const [statements, movingOldTexts] = [clickHouseSchema(cluster), movingTexts(cluster)];
        const textOf = (some: ReadonlyArray<string>) => some.map((statement) => `${statement};`).join("\n\n");
        return yield* flags.json
          ? printJson({ statements, movingOldTexts })
          : print(`${textOf(statements)}\n\n${oldTexts(textOf(movingOldTexts))}`);
      }
      const { migrateServers, SettingsError } = yield* Effect.promise(() => import("@sluice/service-host"));
      yield* Effect.mapError(migrateServers, (error) =>
        error instanceof SettingsError
          ? usageError(error.message)
          : internalError(
              `${"_tag" in error && error._tag === "TelemetryError" ? "ClickHouse (CLICKHOUSE_URL)" : "PostgreSQL (DATABASE_URL)"} was not brought forward: ${error.message}; run it again once that is mended`,
            ),
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
