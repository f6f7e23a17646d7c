import type { Digest } from "@sluice/contracts";
import type { Applications, Erasure } from "@sluice/release";

/** The erasure that took this artifact away, in whatever application. */
export const erasureOf = (applications: Applications, digest: Digest): Erasure | undefined =>
  [...applications.values()].flatMap(({ erasures }) => erasures).find(({ artifacts }) => artifacts.includes(digest));
