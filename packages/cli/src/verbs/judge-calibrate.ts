import { withMinusSigns } from "@sluice/release/words";
import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import { Exit, exitCodes, usageError } from "../exit.ts";
import { json, url, whole } from "../flags.ts";
import { print, printJson, remark } from "../output.ts";
import { registryAddress } from "../registry-client.ts";

const file = Argument.String("file").pipe(
  Argument.withDescription("Pairs that people have labelled, one JSON object a line, plain or gzipped"),
);
const field = Flag.String("field").pipe(
  Flag.withDescription("Field of the rows that holds the judge's verdicts (default without --policy: judge)"),
  Flag.optional,
);
const policy = Flag.String("policy").pipe(
  Flag.withMetavar("FILE"),
  Flag.withDescription("sluice.yaml, or a policy alone: its judge is asked; with --field the verdicts there are its"),
  Flag.optional,
);
const providers = Flag.String("providers").pipe(
  Flag.withMetavar("FILE"),
  Flag.withDescription("Upstreams of judges that are models, as for `sluice up`"),
  Flag.optional,
);
const concurrency = whole("concurrency", "Pairs that the judge is asked about at a time", 1, 256).pipe(
  Flag.withDefault(8),
);
const record = Flag.Boolean("record").pipe(
  Flag.withDescription("Store the calibration in the registry, for policy.judgeTrust.calibration"),
  Flag.withDefault(false),
);

const calibrateCommand = Command.make(
  "calibrate",
  { file, field, policy, providers, concurrency, record, url, json },
  (given) =>
    Effect.gen(function* () {
      if (given.record && Option.isNone(given.policy))
        return yield* usageError("--record needs --policy: a calibration is of one judge, and the policy names it");
      if (given.concurrency < 1) return yield* usageError(`--concurrency is ${given.concurrency}; give at least 1`);
      const { calibrated, calibrationLines, recordOf } = yield* Effect.promise(
        () => import("./judge-calibrate-work.ts"),
      );
      const result = yield* calibrated({
        file: given.file,
        field: Option.getOrNull(given.field),
        policyFile: Option.getOrNull(given.policy),
        providersFile: Option.getOrUndefined(given.providers),
        concurrency: given.concurrency,
      });
      for (const failure of result.failures.slice(0, 5)) yield* remark(`the judge failed on ${failure}`);
      const { putArtifact } = yield* Effect.promise(() => import("../artifacts.ts"));
      const artifact = given.record
        ? yield* putArtifact(registryAddress(Option.getOrUndefined(given.url)), yield* recordOf(result))
        : null;
      const { judge, calibration, corrected } = result;
      if (given.json) yield* printJson({ judge, ...calibration, corrected, artifact });
      else for (const line of calibrationLines(result, artifact)) yield* print(withMinusSigns(line));
      if (calibration.n === 0)
        return yield* new Exit({
          code: exitCodes.inconclusive,
          sentence: `${given.file}: no pair has both people's label and a verdict of the judge`,
        });
    }),
).pipe(
  Command.withDescription("Compare a judge with people: agreement, Cohen's kappa, bias, and preference for a place"),
  Command.withExamples([
    {
      command: "sluice judge calibrate labelled.jsonl --policy sluice.yaml --providers providers.json --record",
      description:
        'Rows such as {"case_id":"c1","input":"…","old":{"output":"…"},"new":{"output":"…"},"human":["new","new","tie"]}',
    },
  ]),
);

export const judgeCommand = Command.make("judge").pipe(
  Command.withDescription("Judges"),
  Command.withSubcommands([calibrateCommand]),
);
