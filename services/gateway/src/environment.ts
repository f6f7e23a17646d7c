import { readFileSync } from "node:fs";
import { SettingsError } from "@sluice/service-host";
import * as Config from "effect/Config";
import * as Effect from "effect/Effect";
import * as Redacted from "effect/Redacted";
import * as Schema from "effect/Schema";
import { GatewaySettings } from "./settings.ts";

const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(GatewaySettings), { onExcessProperty: "error" });

const list = (text: string): ReadonlyArray<string> =>
  text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");

/** Secrets have no place in a file that is checked in: they, and nothing else, come from variables of their own. */
const secrets = Config.all({
  probeKey: Config.Redacted("SLUICE_PROBE_KEY").pipe(Config.option),
  clusterKeySecret: Config.Redacted("SLUICE_CLUSTER_KEY_SECRET").pipe(Config.option),
  clientKeys: Config.Redacted("SLUICE_GATEWAY_CLIENT_KEYS").pipe(Config.option),
  reporterKeys: Config.Redacted("SLUICE_GATEWAY_REPORTER_KEYS").pipe(Config.option),
});

/** Settings from the JSON file that `SLUICE_GATEWAY_SETTINGS` names, and secrets. */
export const settingsFromEnvironment = Effect.gen(function* () {
  const path = yield* Config.String("SLUICE_GATEWAY_SETTINGS");
  const { probeKey, clusterKeySecret, clientKeys, reporterKeys } = yield* secrets;
  const text = yield* Effect.try({
    try: () => readFileSync(path, "utf8"),
    catch: (error) =>
      new SettingsError({ message: `SLUICE_GATEWAY_SETTINGS=${path} cannot be read: ${String(error)}` }),
  });
  const settings = yield* decode(text).pipe(
    Effect.mapError(
      (error) => new SettingsError({ message: `${path}: ${error.message.replaceAll(/\s*\n\s*/g, " ")}` }),
    ),
  );
  return {
    ...settings,
    ...(probeKey._tag === "Some" && { probeKey: Redacted.value(probeKey.value) }),
    ...(clusterKeySecret._tag === "Some" && { clusterKeySecret: Redacted.value(clusterKeySecret.value) }),
    ...(clientKeys._tag === "Some" && { clientKeys: list(Redacted.value(clientKeys.value)) }),
    ...(reporterKeys._tag === "Some" && { reporterKeys: list(Redacted.value(reporterKeys.value)) }),
  } satisfies GatewaySettings;
});
