import type { Digest, Routing } from "@sluice/contracts";
import type { Endpoint, JsonObject } from "../domain/endpoint.ts";
import type { Outcome } from "../domain/outcome.ts";
import type { Copy, DropReason } from "../domain/shadow-admission.ts";
import type { UpstreamLoad } from "./upstream-port.ts";

export type Candidate = NonNullable<Routing["candidate"]>;
export type MirrorLimits = NonNullable<Candidate["mirror"]>;

/** A request that the baseline has answered, to be asked of the candidate as well. */
export interface MirrorJob extends Copy {
  readonly releaseId: string;
  readonly requestId: string;
  readonly clusterKey: string;
  readonly endpoint: Endpoint;
  readonly body: JsonObject;
  readonly baseline: Outcome;
  readonly baselineBundle: Digest;
  /** Whether people may look at the pair's texts afterwards; the judge sees them in any case. */
  readonly textsKept: boolean;
}

/** Where users' requests are copied to. It may cost them no more than handing the copy over. */
export interface Shadow {
  /** A copy beyond the bounds is dropped and counted. */
  readonly offer: (limits: MirrorLimits, job: MirrorJob) => void;
  /** A user's request met the provider's rate limit: what room there is belongs to users. */
  readonly rateLimited: (provider: string, retryAfterMs: number | null) => void;
  /** The application's candidate may have changed, or ended. */
  readonly routed: (routing: Routing) => void;
  readonly droppedByReason: ReadonlyMap<DropReason, number>;
  /** Copies waiting and under way. */
  readonly pending: number;
  readonly load: ReadonlyArray<UpstreamLoad>;
}
