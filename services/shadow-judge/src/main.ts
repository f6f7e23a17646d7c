import { readFileSync } from "node:fs";
import { Judge, type JudgeSettings } from "@sluice/judge";
import { environmentLayers, launch, SettingsError } from "@sluice/service-host";
import * as Config from "effect/Config";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { shadowJudgeService } from "./application/shadow-judge-service.ts";

const { releaseLog, artifacts } = environmentLayers("sluice-shadow-judge");

/** Upstreams of model judges, from the JSON file that SLUICE_JUDGE_PROVIDERS names; without one only rules judge. */
const judge = Layer.unwrap(
  Effect.gen(function* () {
    const file = yield* Config.String("SLUICE_JUDGE_PROVIDERS").pipe(Config.withDefault(""));
    if (file === "") return Judge.layer({ providers: {} });
    const providers = yield* Effect.try({
      try: (): JudgeSettings["providers"] => JSON.parse(readFileSync(file, "utf8")),
      catch: (cause) =>
        new SettingsError({
          message: `SLUICE_JUDGE_PROVIDERS=${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
        }),
    });
    return Judge.layer({ providers });
  }),
);

launch(
  "shadow-judge",
  Effect.flatMap(Layer.build(Layer.mergeAll(releaseLog, artifacts, judge)), (ports) =>
    Effect.provideContext(shadowJudgeService(), ports),
  ),
);
