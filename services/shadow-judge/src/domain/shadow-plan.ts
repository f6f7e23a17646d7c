import { epochMsOf, type ShadowInputs, timestampOf } from "@sluice/contracts";
import { type JudgeTrust, judgeReportOf } from "@sluice/judge/domain/judge-trust";
import { type ApplicationState, policyOf, type Release } from "@sluice/release";
import { decideShadow } from "./decide-shadow.ts";
import type { PairSeries } from "./pair-series.ts";
import { judgeOf } from "./series-book.ts";

/** What the service has to do for an application now. */
export type ShadowPlan =
  | { readonly plan: "nothing" }
  | { readonly plan: "start-shadow"; readonly release: Release }
  | { readonly plan: "wait"; readonly release: Release; readonly for: string }
  | { readonly plan: "record-verdict"; readonly release: Release; readonly inputs: ShadowInputs };

/**
 * Pure: from the folded log, the judged pairs, what is known of the judge, and the clock. `mirrorDropped` is for the record
 * and decides nothing.
 */
export const planShadow = (
  state: ApplicationState,
  pairsOf: (release: Release) => PairSeries,
  mirrorDropped: number,
  trust: JudgeTrust,
  nowMs: number,
): ShadowPlan => {
  const release = state.active;
  if (release?.phase === "gate-passed")
    return release.pausedAt ? { plan: "nothing" } : { plan: "start-shadow", release };
  if (release?.phase !== "shadow") return { plan: "nothing" };

  const { shadow } = policyOf(release);
  const pairs = pairsOf(release);
  const rejected = pairs.rejects(shadow);
  const reportOnly = trust?.reportOnly ?? false;
  const decided = decideShadow(
    shadow,
    { ...pairs.counts, startedAtMs: epochMsOf(release.since), rejected, reportOnly, paused: release.pausedAt !== null },
    nowMs,
  );
  if (decided.decision === "wait") return { plan: "wait", release, for: decided.for };
  const inputs = pairs.inputs({
    judge: judgeOf(release),
    startedAt: release.since,
    decidedAt: timestampOf(nowMs),
    mirrorDropped,
    judgeReport: judgeReportOf(trust, pairs.orders),
    open: rejected && !reportOnly ? "left-out" : "tested",
  });
  return { plan: "record-verdict", release, inputs };
};
