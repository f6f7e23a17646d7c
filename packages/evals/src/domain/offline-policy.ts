import type { Policy } from "@sluice/contracts";

/** The part of an application's policy that the offline gate follows. */
export type OfflinePolicy = Policy["offline"];
