import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as References from "effect/References";
import { json, port } from "../flags.ts";

export const demoCommand = Command.make(
  "demo",
  {
    keep: Flag.Boolean("keep").pipe(
      Flag.withDescription(
        "Leave everything running afterwards, with traffic (with --json a first line names addresses and tokens)",
      ),
      Flag.withDefault(false),
    ),
    data: Flag.String("data").pipe(
      Flag.withDescription("Directory to keep the data in (default: a temporary one, removed at the end)"),
      Flag.optional,
    ),
    port: port("port", "Registry's port (0 takes a free one)", 0),
    json,
  },
  (flags) =>
    // Loaded here: other verbs must not wait for databases that they do not use.
    Effect.flatMap(
      Effect.promise(() => import("../demo/run-demo.ts")),
      ({ runDemo }) => runDemo({ ...flags, data: Option.getOrUndefined(flags.data) }),
    ).pipe(Effect.provideService(References.MinimumLogLevel, "Warn")),
).pipe(
  Command.withDescription(
    "Five releases against a simulated model server: passed, blocked, stopped in shadow, rolled back, overridden",
  ),
);
