import { requireProbability } from "../invalid-argument.ts";
import { exceeds } from "./evidence.ts";
import { type ObrienFlemingEvidence, type ObrienFlemingState, obrienFleming } from "./obrien-fleming.ts";
import { type PairedBettingState, type PairedEvidence, type PairedStratum, pairedBetting } from "./paired-betting.ts";

export type HybridConfig = {
  /** For both halves together. */
  readonly alpha: number;
  /** Pairs declared beforehand for the O'Brien–Fleming half; the betting half goes on beyond it. */
  readonly horizon: number;
  readonly margin?: number;
};

export type HybridState = {
  readonly alpha: number;
  readonly betting: PairedBettingState;
  readonly obrienFleming: ObrienFlemingState;
};

export type HybridEvidence = Omit<PairedEvidence, "method"> & {
  readonly method: "hybrid";
  /** Regression shown at level alpha by either half. */
  readonly rejected: boolean;
  readonly rejectedBy: ReadonlyArray<"paired-betting" | "obrien-fleming">;
  readonly obrienFleming: ObrienFlemingEvidence;
};

const initial = (config: HybridConfig): HybridState => {
  requireProbability("alpha", config.alpha);
  const margin = config.margin ?? 0;
  return {
    alpha: config.alpha,
    betting: pairedBetting.initial({ margin }),
    obrienFleming: obrienFleming.initial({ alpha: config.alpha / 2, horizon: config.horizon, margin }),
  };
};

const update = (state: HybridState, stratum: PairedStratum): HybridState => ({
  alpha: state.alpha,
  betting: pairedBetting.update(state.betting, stratum),
  obrienFleming: obrienFleming.update(state.obrienFleming, stratum),
});

const evidence = (state: HybridState): HybridEvidence => {
  const betting = pairedBetting.evidence(state.betting);
  const half = obrienFleming.evidence(state.obrienFleming);
  const rejectedBy: Array<"paired-betting" | "obrien-fleming"> = [];
  if (exceeds(betting.peakLogE, state.alpha / 2)) rejectedBy.push("paired-betting");
  if (half.rejected) rejectedBy.push("obrien-fleming");
  return { ...betting, method: "hybrid", rejected: rejectedBy.length > 0, rejectedBy, obrienFleming: half };
};

/**
 * The shadow's test: `pairedBetting` at α/2 and `obrienFleming` at α/2 on the declared horizon; a regression is shown as soon
 * as one of them rejects, so the level is at most the sum of theirs (union bound): α/2 for betting, which is exact, never
 * ends and sees large drops first, and about α/2 for O'Brien–Fleming, whose level is approximate and which is faster for drops
 * that need most of the horizon. `logE` is the betting half's. Errors as of the two.
 */
export const hybrid = { initial, update, evidence };
