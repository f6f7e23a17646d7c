import { createHash } from "node:crypto";
import {
  canonicalJson,
  type Digest,
  digestOf,
  type JudgeCalibrationRecord,
  type JudgeSpecification,
  timestampOf,
} from "@sluice/contracts";
import {
  calibrateJudge,
  correctedPreference,
  correctedShares,
  Judge,
  type JudgeCalibration,
  judgePairs,
  type LabelledPair,
  type Preference,
  readLabelledPairs,
  readPairsToJudge,
} from "@sluice/judge";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { type Exit, usageError } from "../exit.ts";
import { readProviders } from "../providers-file.ts";
import { readRules } from "../rules-file.ts";
import { readTextFile } from "../text-file.ts";

export interface CalibrationRequest {
  readonly file: string;
  readonly field: string | null;
  readonly policyFile: string | null;
  readonly providersFile: string | undefined;
  readonly concurrency: number;
}

export interface Calibrated {
  readonly specification: JudgeSpecification | null;
  readonly judge: Digest | null;
  readonly rows: Digest;
  readonly calibration: JudgeCalibration;
  /** Of the rows that people have not labelled: what they would say, by the judge's verdicts less its bias. */
  readonly corrected: {
    readonly n: number;
    readonly preference: ReturnType<typeof correctedPreference>;
    readonly shares: ReturnType<typeof correctedShares>;
  } | null;
  readonly failures: ReadonlyArray<string>;
}

/** Reads the rows, asks the policy's judge unless its verdicts are in them, and compares it with people. */
export const calibrated = Effect.fn("calibrated")(function* (
  request: CalibrationRequest,
): Effect.fn.Return<Calibrated, Exit> {
  const { file, field, policyFile } = request;
  const text = yield* readTextFile(file);
  const specification = policyFile === null ? null : (yield* readRules(policyFile)).policy.judge;
  const { judged, failures } =
    specification && field === null
      ? yield* askJudge(request, specification, text)
      : { judged: yield* inFile(file, readLabelledPairs(text, field ?? "judge")), failures: [] };
  const calibration = calibrateJudge(judged);
  return {
    specification,
    judge: specification && digestOf(specification),
    rows: `sha256:${createHash("sha256").update(text).digest("hex")}`,
    calibration,
    corrected: correctedOf(calibration, judged),
    failures,
  };
});

const inFile = <A>(file: string, read: Result.Result<A, string>): Effect.Effect<A, Exit> =>
  Effect.fromResult(Result.mapError(read, (fault) => usageError(`${file}: ${fault}`)));

const askJudge = Effect.fnUntraced(function* (
  { file, providersFile, concurrency }: CalibrationRequest,
  specification: JudgeSpecification,
  text: string,
) {
  const pairs = yield* inFile(file, readPairsToJudge(text));
  const providers = yield* readProviders(providersFile);
  return yield* Effect.provide(judgePairs(specification, pairs, concurrency), Judge.layer({ providers }));
});

const correctedOf = (calibration: JudgeCalibration, judged: ReadonlyArray<LabelledPair>): Calibrated["corrected"] => {
  const unseen = judged.flatMap(
    ({ human, judge }): ReadonlyArray<Preference> => (human === null && judge ? [judge] : []),
  );
  return unseen.length < 2
    ? null
    : {
        n: unseen.length,
        preference: correctedPreference(calibration, unseen),
        shares: correctedShares(calibration, unseen),
      };
};

/** The artifact, in canonical form: the same calibration has one address for each time that it was made. */
export const recordOf = Effect.fnUntraced(function* ({ specification, judge, rows, calibration }: Calibrated) {
  if (!specification || !judge) return yield* usageError("--record needs --policy, which names the judge");
  const { n, agreement, kappa, excluded } = calibration;
  const record: JudgeCalibrationRecord = {
    kind: "judge-calibration",
    version: 1,
    judge,
    specification,
    rows,
    calibratedAt: timestampOf(yield* Clock.currentTimeMillis),
    n,
    judgeErrors: excluded.judgeErrors,
    agreement,
    kappa: kappa && { value: kappa.value, interval: kappa.interval },
  };
  return canonicalJson(record);
});

const within = ({ low, high }: { readonly low: number; readonly high: number }) =>
  `${low.toFixed(3)} to ${high.toFixed(3)}`;

/** For people. */
export const calibrationLines = (
  { judge, calibration, corrected }: Calibrated,
  artifact: Digest | null,
): ReadonlyArray<string> => {
  const { n, excluded, agreement, kappa, bias, position } = calibration;
  const { swapped } = position;
  return [
    `${judge ? `judge ${judge}` : "the recorded judge"} on ${n} labelled pairs (${excluded.unlabelled} without a label, ${excluded.judgeErrors} judge errors)`,
    ...(agreement ? [`  agreement   ${agreement.value.toFixed(3)}  (${within(agreement.interval)})`] : []),
    ...(kappa ? [`  kappa       ${kappa.value.toFixed(3)}  (${within(kappa.interval)})`] : []),
    ...(bias
      ? [`  bias        ${bias.value.toFixed(3)}  (${within(bias.interval)}); above 0 it favours the candidate`]
      : []),
    `  position    ${position.wrongForFirst} wrong for the first, ${position.wrongForSecond} for the second (p ${position.pValue.toFixed(3)})`,
    ...(swapped
      ? [
          `  orders      ${swapped.flips} of ${swapped.n} verdicts changed with the order: ${swapped.firstPreferred} towards the first, ${swapped.secondPreferred} towards the second (p ${swapped.pValue.toFixed(3)})`,
        ]
      : []),
    ...(corrected?.preference
      ? [
          `  unlabelled  ${corrected.n} pairs: preference ${corrected.preference.value.toFixed(3)} once the bias is taken out (${within(corrected.preference.interval)})`,
        ]
      : []),
    ...(artifact ? [`recorded as ${artifact}; name it in policy.judgeTrust.calibration`] : []),
  ];
};
