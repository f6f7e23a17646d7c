import type { ReleasePhase } from "@sluice/contracts";
import { storyOf } from "../domain/release-story.ts";
import { askAsMe } from "./session.ts";

/** One release and what its candidate was made of. */
export interface Use {
  readonly application: string;
  readonly releaseId: string;
  readonly phase: ReleasePhase;
  readonly bundle: string;
  readonly parts: Readonly<Record<string, string>>;
  readonly artifacts: ReadonlyArray<string>;
  /** When the first user could meet the candidate; null when none could. */
  readonly servedFrom: string | null;
  /** When users no longer could, because the release ended badly. */
  readonly servedUntil: string | null;
}

/** Records are read one by one: enough for what is in use, and bounded. */
const LOOKED_AT = 60;

/** The latest releases with what their candidates are made of. */
export const artifactUses = async (): Promise<ReadonlyArray<Use>> => {
  const { releases } = await askAsMe("listReleases", { query: { limit: String(LOOKED_AT) } });
  const uses = await Promise.all(
    releases.map(async ({ application, releaseId, phase }): Promise<Use | null> => {
      const { events } = await askAsMe("getRelease", { path: { releaseId }, query: { application } });
      const { request, stages } = storyOf(events);
      if (!request) return null;
      const parts: Record<string, string> = { ...request.candidate.artifacts };
      const end = stages.at(-1);
      return {
        application,
        releaseId,
        phase,
        bundle: request.candidate.digest,
        parts,
        artifacts: Object.values(parts),
        servedFrom: stages.find(({ id }) => id === "step-0")?.startedAt ?? null,
        servedUntil: end?.status === "failed" ? end.endedAt : null,
      };
    }),
  );
  return uses.filter((use) => use !== null);
};
