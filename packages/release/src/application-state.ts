import type {
  ApplicationName,
  Author,
  BreachCause,
  BundleReference,
  Digest,
  EventId,
  FreezeScope,
  HoldCause,
  Policy,
  ReleaseEventOf,
  ReleaseId,
  ReleasePhase,
  Timestamp,
} from "@sluice/contracts";

export interface Hold {
  readonly cause: HoldCause;
  /** When it was said. */
  readonly since: Timestamp;
  readonly waitsFor: string;
  readonly until: Timestamp;
}

export interface Breach {
  /** `emergency-stop`: no check has failed, an operator has pulled the cord. */
  readonly cause: BreachCause | "emergency-stop";
  readonly sentence: string;
  readonly since: Timestamp;
  readonly detectedAt: Timestamp;
}

/** Who wants a blocked release past the gate, why, and until when. */
export interface Override {
  readonly author: Author;
  readonly reason: string;
  readonly incident: string | null;
  readonly expiresAt: Timestamp | null;
  /** The first of the two people whom the policy asks for; null where it asks for one. */
  readonly proposedBy: Author | null;
}

/** One attempt to replace the baseline, as folded from its events. */
export interface Release {
  readonly releaseId: ReleaseId;
  readonly request: ReleaseEventOf<"ReleaseRequested">;
  readonly phase: ReleasePhase;
  /** When the present phase, or the present canary step, began. */
  readonly since: Timestamp;
  /** The baseline this release was gated against; null until it is active. */
  readonly baseline: BundleReference | null;
  /** The present canary step; null before the canary. */
  readonly step: number | null;
  /** The present step has passed, its successor has not started. */
  readonly stepPassed: boolean;
  readonly holdSkipped: boolean;
  readonly hold: Hold | null;
  readonly breach: Breach | null;
  readonly mitigatedAt: Timestamp | null;
  readonly pausedAt: Timestamp | null;
  /** Since when nothing may go forward, because of a pause or a freeze or both. */
  readonly standsStillSince: Timestamp | null;
  /** What ended standstills have taken since the present canary step began: its deadline moves by as much. */
  readonly pausedMs: number;
  /** How often the present canary step was held, and when last. */
  readonly holds: number;
  readonly heldAt: Timestamp | null;
  readonly override: Override | null;
  /** An override that a second person has not confirmed yet. */
  readonly proposal: Override | null;
  /** Ids of the accepted events: a repeated one changes nothing. */
  readonly seen: ReadonlyArray<EventId>;
}

/** A page is due until it was sent, then due to be resolved once the release has ended. The log is its outbox. */
export interface Page {
  readonly dedupKey: string;
  readonly releaseId: ReleaseId;
  readonly sentence: string;
  readonly at: Timestamp;
  readonly sentAt: Timestamp | null;
  readonly resolvable: boolean;
  readonly severity: "critical" | "warning";
  /** That took it: the one through which it is resolved. */
  readonly channel: string | null;
  /** Why no channel had taken it when that was first found; null: not found. */
  readonly undelivered: string | null;
  /** Gateways that had not acknowledged the pin when the release was rolled back: whoever was paged must hear of them. */
  readonly unacknowledged: ReadonlyArray<string>;
}

/** That a release has ended is due to be told, until the log says that it was. */
export interface Notice {
  readonly dedupKey: string;
  readonly releaseId: ReleaseId;
  readonly phase: ReleasePhase;
  /** What happened, in one sentence. */
  readonly sentence: string;
  readonly at: Timestamp;
  readonly undelivered: string | null;
}

/** Why nothing goes forward: a freeze, or with `stop` an emergency stop. */
export interface Freeze {
  readonly freezeId: string;
  readonly scope: FreezeScope;
  readonly stop: boolean;
  readonly author: Author | null;
  readonly reason: string;
  readonly since: Timestamp;
  readonly until: Timestamp | null;
}

/** How a release ended. Kept for ever, so that late events of it are refused. */
export interface Ended {
  readonly phase: ReleasePhase;
  readonly at: Timestamp;
  /** Ids of its accepted events: a repeated one is told apart from one that came too late. */
  readonly seen: ReadonlyArray<EventId>;
}

/** Users' texts that have to go. Kept for ever: an artifact that was erased is not taken again. */
export interface Erasure {
  readonly erasureId: string;
  readonly clusterKeys: ReadonlyArray<string>;
  readonly artifacts: ReadonlyArray<Digest>;
  readonly author: Author;
  readonly reason: string;
  readonly requestedAt: Timestamp;
  /** Null until the stores have them no more; then how many rows had them. */
  readonly done: { readonly at: Timestamp; readonly observations: number; readonly judgements: number } | null;
}

export interface ApplicationState {
  readonly application: ApplicationName;
  /** Number of accepted events; the version of the routing and of the release state. */
  readonly version: number;
  readonly at: Timestamp;
  readonly baseline: BundleReference | null;
  /** Bundles that have been the baseline, oldest first: those one may roll back to. */
  readonly fullyReleased: ReadonlyArray<BundleReference>;
  readonly active: Release | null;
  readonly queue: ReadonlyArray<Release>;
  /** Blocked by the gate, and still overridable: dropped as soon as the baseline changes. */
  readonly blocked: ReadonlyArray<Release>;
  readonly ended: Readonly<Record<ReleaseId, Ended>>;
  readonly last: { readonly releaseId: ReleaseId; readonly phase: ReleasePhase; readonly at: Timestamp } | null;
  readonly pages: ReadonlyArray<Page>;
  readonly notices: ReadonlyArray<Notice>;
  readonly freezes: ReadonlyArray<Freeze>;
  readonly erasures: ReadonlyArray<Erasure>;
  /** Ids of accepted events that belong to no release. */
  readonly seen: ReadonlyArray<EventId>;
}

export const initialState = (application: ApplicationName): ApplicationState => ({
  application,
  version: 0,
  at: "1970-01-01T00:00:00.000Z",
  baseline: null,
  fullyReleased: [],
  active: null,
  queue: [],
  blocked: [],
  ended: {},
  last: null,
  pages: [],
  notices: [],
  freezes: [],
  erasures: [],
  seen: [],
});

export const findRelease = (state: ApplicationState, releaseId: ReleaseId): Release | undefined =>
  state.active?.releaseId === releaseId
    ? state.active
    : [...state.queue, ...state.blocked].find((release) => release.releaseId === releaseId);

/** How a release ended; undefined while it has not. Own keys only: a release may be called `constructor`. */
export const endOf = (state: ApplicationState, releaseId: ReleaseId): Ended | undefined =>
  Object.hasOwn(state.ended, releaseId) ? state.ended[releaseId] : undefined;

export const policyOf = (release: Release): Policy => release.request.policy;

export const candidateOf = (release: Release): Digest => release.request.candidate.digest;

/**
 * Share of users on the candidate at a step: the policy's, but at the last one without those whom `finalHoldback` keeps on
 * the baseline, so that there is something to compare with to the end. Null where the policy has no such step.
 */
export const stepShare = (
  { steps, finalHoldback }: Pick<Policy["canary"], "steps" | "finalHoldback">,
  step: number,
): number | null => {
  const share = steps[step]?.share;
  return share === undefined ? null : Math.min(share, step === steps.length - 1 ? 1 - finalHoldback : 1);
};

/** Share of user traffic on the candidate: positive only in a canary step, and nothing else may decide it. */
export const shareOf = (release: Release): number =>
  release.phase === "canary" && release.step !== null ? (stepShare(policyOf(release).canary, release.step) ?? 0) : 0;
