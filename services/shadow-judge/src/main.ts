import { readFileSync } from "node:fs";
import { Judge, type JudgeSettings } from "@sluice/judge";
import {
  environment,
  environmentLayers,
  launch,
  operationsAddress,
  reachable,
  SettingsError,
  serveOperations,
} from "@sluice/service-host";
import * as Config from "effect/Config";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { shadowJudgeService } from "./application/shadow-judge-service.ts";

const { releaseLog, artifacts, judgeMemory } = environmentLayers("sluice-shadow-judge");

/** Upstreams of model judges, from the JSON file that SLUICE_JUDGE_PROVIDERS names; without one only rules judge. */
const providers = Effect.flatMap(Config.String("SLUICE_JUDGE_PROVIDERS").pipe(Config.withDefault("")), (file) =>
  file === ""
    ? Effect.succeed({})
    : Effect.try({
        try: (): JudgeSettings["providers"] => JSON.parse(readFileSync(file, "utf8")),
        catch: (cause) =>
          new SettingsError({
            message: `SLUICE_JUDGE_PROVIDERS=${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
          }),
      }),
);

const { bus, database } = environment;

launch("shadow-judge", { bus, database, providers, operations: operationsAddress(4_403) }, (settings) =>
  Effect.gen(function* () {
    const started = yield* serveOperations(settings.operations);
    const judge = Layer.provide(Judge.layerRemembering({ providers: settings.providers }), judgeMemory);
    const ports = yield* Layer.build(Layer.mergeAll(releaseLog, artifacts, judge));
    yield* Effect.provideContext(shadowJudgeService(), ports);
    yield* started({ bus: reachable.bus(ports), database: reachable.database(ports) });
  }),
);
