import type { ArmWindow, Timestamp } from "@sluice/contracts";

/** An application's user traffic of a span that lies behind, whichever bundle served it: counts and sums only. */
export interface RecentTraffic {
  /** The span, from its first request on: an application that is new has less to tell, and is not quieter for it. */
  readonly from: Timestamp;
  readonly to: Timestamp;
  readonly requests: number;
  /** Conversations (else users, else requests), each counted once in as long as a step lasts. */
  readonly units: number;
  readonly errors: number;
  /** Answered requests whose refusal is known, and those refused. */
  readonly answered: number;
  readonly refusals: number;
  readonly latencyBins: ArmWindow["latencyBins"];
  readonly quality: ArmWindow["quality"];
}
