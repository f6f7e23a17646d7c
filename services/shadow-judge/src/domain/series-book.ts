import { type Digest, digestOf, type PairJudged } from "@sluice/contracts";
import { type Applications, policyOf, type Release } from "@sluice/release";
import { PairSeries } from "./pair-series.ts";
import { relevanceOf } from "./release-relevance.ts";

/** More shadows at once than this are not followed: a log full of unknown releases must not fill the memory. */
const MAX_SERIES = 1_000;

const keyOf = (application: string, releaseId: string, judge: Digest): string => `${application}/${releaseId}/${judge}`;

export const judgeOf = (release: Release): Digest => digestOf(policyOf(release).judge);

/** The judged pairs of every release that is, or may soon be known to be, in shadow. */
export class SeriesBook {
  readonly #series = new Map<string, { readonly application: string; releaseId: string; pairs: PairSeries }>();

  add(applications: Applications, judged: PairJudged): void {
    const { application, releaseId, judge } = judged;
    if (relevanceOf(applications.get(application), releaseId, "shadow").is === "past") return;
    const key = keyOf(application, releaseId, judge);
    const known = this.#series.get(key);
    if (!known && this.#series.size >= MAX_SERIES) return;
    const pairs = known?.pairs ?? new PairSeries();
    pairs.add(judged);
    if (!known) this.#series.set(key, { application, releaseId, pairs });
  }

  /** The pairs of a release under its own policy's judge. */
  of(release: Release): PairSeries {
    const key = keyOf(release.request.application, release.releaseId, judgeOf(release));
    return this.#series.get(key)?.pairs ?? new PairSeries();
  }

  /** Lets go of what no decision will need any more. */
  forgetPast(applications: Applications): void {
    for (const [key, { application, releaseId }] of this.#series)
      if (relevanceOf(applications.get(application), releaseId, "shadow").is === "past") this.#series.delete(key);
  }
}
