import type { JudgementEvent, PairJudged, ShadowPair, ShadowPairRecorded } from "@sluice/contracts";
import type { KeptPairs, PairQuery } from "./telemetry-store.ts";

/** What is for the judge alone is not stored at all. */
export const areTextsKept = ({ textsKept }: ShadowPairRecorded): boolean => textsKept !== false;

/** The kept pairs of a release, from plain rows: what the statement in ClickHouse gives. Pure. */
export const keptPairsOf = (
  { application, releaseId, limit }: PairQuery,
  pairs: ReadonlyArray<ShadowPairRecorded>,
  judgements: ReadonlyArray<JudgementEvent>,
): KeptPairs => {
  const ofRelease = (row: { readonly application: string; readonly releaseId: string }) =>
    row.application === application && row.releaseId === releaseId;
  const judged = new Map(
    judgements
      .filter((judgement): judgement is PairJudged => judgement._tag === "PairJudged" && ofRelease(judgement))
      .map((judgement) => [judgement.pairId, judgement]),
  );
  const kept = pairs.filter(ofRelease).map((pair) => shownPair(pair, judged.get(pair.pairId)));
  return { kept: kept.length, pairs: kept.sort(worstFirst).slice(0, limit) };
};

const shownPair = (pair: ShadowPairRecorded, judged: PairJudged | undefined): ShadowPair => {
  const side = ({ output, errorClass, latencyMs }: ShadowPairRecorded["baseline"]) => ({
    output,
    errorClass,
    latencyMs,
  });
  return {
    pairId: pair.pairId,
    at: pair.at,
    input: pair.input,
    baseline: side(pair.baseline),
    candidate: side(pair.candidate),
    toolDivergence: pair.toolDivergence?.kind ?? null,
    judgement: judged
      ? { baselineScore: judged.baselineScore, candidateScore: judged.candidateScore, error: judged.error }
      : null,
  };
};

/** A pair without scores loses nothing and wins nothing, and comes after all that have some. */
const worstFirst = (a: ShadowPair, b: ShadowPair): number =>
  differenceOf(a) - differenceOf(b) || b.at.localeCompare(a.at) || a.pairId.localeCompare(b.pairId);

const differenceOf = ({ judgement }: ShadowPair): number =>
  judgement && judgement.baselineScore !== null && judgement.candidateScore !== null
    ? judgement.candidateScore - judgement.baselineScore
    : 2;
