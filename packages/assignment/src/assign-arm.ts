import type { Arm, Routing } from "@sluice/contracts";
import { isWithinShare } from "./bucket-of.ts";

/** What assignment needs of a routing's candidate. */
export type AssignableCandidate = Pick<NonNullable<Routing["candidate"]>, "share" | "salt">;

/**
 * The arm of a key. The salt is fixed per release, so a rising share only adds keys to the candidate;
 * at share 0 nobody meets it.
 */
export const assignArm = (candidate: AssignableCandidate | null, key: string): Arm =>
  candidate !== null && isWithinShare(candidate.share, candidate.salt, key) ? "candidate" : "baseline";
