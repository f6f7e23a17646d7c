import { binomialTest, type ConfidenceInterval, normal, wilsonInterval } from "@sluice/statistics";
import { cohensKappa, type Kappa } from "./cohens-kappa.ts";
import { type LabelledPair, type Preference, preferences } from "./labelled-pair.ts";

type Shares = Readonly<Record<Preference, number>>;

export interface Estimated {
  readonly value: number;
  readonly standardError: number;
  readonly interval: ConfidenceInterval;
}

/** How far a judge can be believed, measured on pairs that people have labelled. */
export interface JudgeCalibration {
  readonly cases: number;
  readonly excluded: { readonly unlabelled: number; readonly judgeErrors: number };
  /** Cases with a label and a verdict: what all that follows rests on. */
  readonly n: number;
  readonly agreement: { readonly value: number; readonly interval: ConfidenceInterval } | null;
  readonly kappa: Kappa | null;
  /** Counts by people's label, then by the judge's verdict. */
  readonly confusion: Readonly<Record<Preference, Shares>>;
  readonly humanShares: Shares | null;
  readonly judgeShares: Shares | null;
  /** By how much the judge gives each verdict more often than people do; null with fewer than two labelled pairs. */
  readonly shareBias: Readonly<Record<Preference, Estimated>> | null;
  /** Mean of the judge's preference less people's, with candidate = 1, tie = 0, baseline = −1: 0 is unbiased. */
  readonly bias: Estimated | null;
  readonly position: PositionBias;
}

export interface PositionBias {
  /** Verdicts against people's in favour of the response shown first (the baseline's), and of the second. */
  readonly wrongForFirst: number;
  readonly wrongForSecond: number;
  /** Exact two-sided test that both are as frequent. */
  readonly pValue: number;
  /** Where the judge was asked in both orders: verdicts that changed, and which place those preferred. */
  readonly swapped: {
    readonly n: number;
    readonly flips: number;
    readonly flipShare: number;
    readonly firstPreferred: number;
    readonly secondPreferred: number;
    readonly pValue: number;
  } | null;
}

const CONFIDENCE = 0.95;
const PREFERENCE_VALUE: Shares = { baseline: -1, tie: 0, candidate: 1 };

/**
 * Compares a judge with people: agreement, Cohen's κ, the bias of its preference, and whether the place of a response
 * matters to it. Pairs without a label or a verdict are excluded and counted. With one order only, a preference for a place
 * cannot be told from a preference for an arm; `position.swapped` can. Assumes independent cases.
 */
export const calibrateJudge = (pairs: ReadonlyArray<LabelledPair>): JudgeCalibration => {
  const labelled = pairs.flatMap(({ human, judge }) => (human && judge ? [{ human, judge }] : []));
  const n = labelled.length;
  const count = (human: Preference, judge: Preference) =>
    labelled.filter((pair) => pair.human === human && pair.judge === judge).length;
  const confusion = byPreference((human) => byPreference((judge) => count(human, judge)));
  const agreed = preferences.reduce((sum, one) => sum + confusion[one][one], 0);
  return {
    cases: pairs.length,
    excluded: {
      unlabelled: pairs.filter(({ human }) => human === null).length,
      judgeErrors: pairs.filter(({ human, judge }) => human !== null && judge === null).length,
    },
    n,
    agreement: n === 0 ? null : { value: agreed / n, interval: wilsonInterval(agreed, n, CONFIDENCE) },
    kappa: cohensKappa(
      preferences.map((human) => preferences.map((judge) => confusion[human][judge])),
      CONFIDENCE,
    ),
    confusion,
    humanShares: sharesOf(labelled.map(({ human }) => human)),
    judgeShares: sharesOf(labelled.map(({ judge }) => judge)),
    shareBias: shareBiasOf(labelled),
    bias: estimated(labelled.map(({ human, judge }) => PREFERENCE_VALUE[judge] - PREFERENCE_VALUE[human])),
    position: positionBiasOf(pairs, labelled),
  };
};

/**
 * People's mean preference on pairs that only the judge has seen: the judge's own mean less its bias, as measured on the
 * labelled pairs. Its interval holds both uncertainties, so a badly calibrated judge cannot look precise. Null when the
 * judge was not calibrated. Source: Angelopoulos et al. 2023, "Prediction-powered inference".
 */
export const correctedPreference = (
  { bias }: Pick<JudgeCalibration, "bias">,
  judged: ReadonlyArray<Preference>,
): { readonly value: number; readonly interval: ConfidenceInterval } | null => {
  const ownMean = meanOf(judged.map((preference) => PREFERENCE_VALUE[preference]));
  if (!bias || !ownMean) return null;
  const value = ownMean.value - bias.value;
  return { value, interval: intervalOf(value, Math.hypot(ownMean.standardError, bias.standardError)) };
};

/**
 * How often people would give each verdict on pairs that only the judge has seen: the judge's own shares less their bias, with
 * the uncertainty of both. As `correctedPreference`, one verdict at a time; a share near 0 or 1 may come out beyond it.
 */
export const correctedShares = (
  { shareBias }: Pick<JudgeCalibration, "shareBias">,
  judged: ReadonlyArray<Preference>,
): Readonly<Record<Preference, Omit<Estimated, "standardError">>> | null => {
  if (!shareBias || judged.length < 2) return null;
  return byPreference((one) => {
    const own = meanOf(judged.map((verdict) => Number(verdict === one)));
    const value = (own?.value ?? 0) - shareBias[one].value;
    return { value, interval: intervalOf(value, Math.hypot(own?.standardError ?? 0, shareBias[one].standardError)) };
  });
};

const byPreference = <A>(of: (preference: Preference) => A): Readonly<Record<Preference, A>> => ({
  baseline: of("baseline"),
  tie: of("tie"),
  candidate: of("candidate"),
});

const sharesOf = (verdicts: ReadonlyArray<Preference>): Shares | null =>
  verdicts.length === 0
    ? null
    : byPreference((one) => verdicts.filter((verdict) => verdict === one).length / verdicts.length);

const meanOf = (values: ReadonlyArray<number>) => {
  const n = values.length;
  if (n < 2) return null;
  const value = values.reduce((sum, one) => sum + one, 0) / n;
  const variance = values.reduce((sum, one) => sum + (one - value) ** 2, 0) / (n - 1);
  return { value, standardError: Math.sqrt(variance / n) };
};

const intervalOf = (value: number, standardError: number): ConfidenceInterval => {
  const reach = normal.upperQuantile((1 - CONFIDENCE) / 2) * standardError;
  return { low: value - reach, high: value + reach, confidence: CONFIDENCE };
};

const estimated = (values: ReadonlyArray<number>): Estimated | null => {
  const mean = meanOf(values);
  return mean && { ...mean, interval: intervalOf(mean.value, mean.standardError) };
};

const shareBiasOf = (labelled: ReadonlyArray<Labelled>): JudgeCalibration["shareBias"] => {
  const of = (one: Preference) =>
    estimated(labelled.map(({ human, judge }) => Number(judge === one) - Number(human === one)));
  const [baseline, tie, candidate] = [of("baseline"), of("tie"), of("candidate")];
  return baseline && tie && candidate && { baseline, tie, candidate };
};

type Labelled = { readonly human: Preference; readonly judge: Preference };

const positionBiasOf = (pairs: ReadonlyArray<LabelledPair>, labelled: ReadonlyArray<Labelled>): PositionBias => {
  const wrong = labelled.map(({ human, judge }) => PREFERENCE_VALUE[judge] - PREFERENCE_VALUE[human]);
  const wrongForFirst = wrong.filter((difference) => difference < 0).length;
  const wrongForSecond = wrong.filter((difference) => difference > 0).length;
  return {
    wrongForFirst,
    wrongForSecond,
    pValue: binomialTest(wrongForFirst, wrongForFirst + wrongForSecond).pValue,
    swapped: swappedBiasOf(pairs),
  };
};

const swappedBiasOf = (pairs: ReadonlyArray<LabelledPair>): PositionBias["swapped"] => {
  const both = pairs.flatMap(({ judge: verdict, judgeAsShown, judgeSwapped }) => {
    const judge = judgeAsShown ?? verdict;
    return judge && judgeSwapped ? [{ judge, judgeSwapped }] : [];
  });
  if (both.length === 0) return null;
  // Shown first, then second: a judge that prefers the baseline only when it comes first prefers the place.
  const towardsSecond = both.map(({ judge, judgeSwapped }) => PREFERENCE_VALUE[judge] - PREFERENCE_VALUE[judgeSwapped]);
  const firstPreferred = towardsSecond.filter((difference) => difference < 0).length;
  const secondPreferred = towardsSecond.filter((difference) => difference > 0).length;
  const flips = firstPreferred + secondPreferred;
  return {
    n: both.length,
    flips,
    flipShare: flips / both.length,
    firstPreferred,
    secondPreferred,
    pValue: binomialTest(firstPreferred, flips).pValue,
  };
};
