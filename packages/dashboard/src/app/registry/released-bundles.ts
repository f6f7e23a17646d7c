import type { AuditRow, ReleaseEvent } from "@sluice/contracts";
import { askAsMe } from "./session.ts";

export interface ReleasedBundle {
  readonly digest: string;
  /** When it last became the baseline. */
  readonly at: string;
  /** The release that brought it; null for the one that was registered. */
  readonly releaseId: string | null;
}

/** Every bundle that has been the baseline of the application, the latest first: those one may roll back to. */
export const releasedBundles = async (application: string): Promise<ReadonlyArray<ReleasedBundle>> => {
  const bundles = new Map<string, ReleasedBundle>();
  for (let after: number | null = 0; after !== null; ) {
    const page: { readonly rows: ReadonlyArray<AuditRow>; readonly next: number | null } = await askAsMe(
      "getAuditRows",
      {
        query: { application, after: String(after) },
      },
    );
    for (const { type, refusal, payload } of page.rows) {
      if (refusal !== null || (type !== "ApplicationRegistered" && type !== "ReleaseCompleted")) continue;
      const event = JSON.parse(payload) as ReleaseEvent;
      if (event._tag === "ApplicationRegistered")
        bundles.set(event.baseline.digest, { digest: event.baseline.digest, at: event.at, releaseId: null });
      if (event._tag === "ReleaseCompleted")
        bundles.set(event.baseline, { digest: event.baseline, at: event.at, releaseId: event.releaseId });
    }
    after = page.next;
  }
  return [...bundles.values()].sort((a, b) => b.at.localeCompare(a.at));
};
