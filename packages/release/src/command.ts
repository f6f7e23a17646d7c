import type {
  ApplicationName,
  Author,
  BreachCause,
  BundleReference,
  CanaryEvidence,
  CanaryForecast,
  Digest,
  FreezeScope,
  GateReport,
  HoldCause,
  OfflineEvidence,
  Policy,
  ReleaseEventOf,
  ReleaseId,
  ShadowEvidence,
  Timestamp,
} from "@sluice/contracts";

interface OfApplication {
  readonly application: ApplicationName;
  /** The clock enters as data. */
  readonly at: Timestamp;
}
interface OfRelease extends OfApplication {
  readonly releaseId: ReleaseId;
}
interface ByAuthor {
  readonly author: Author;
  readonly reason: string;
  /** Chosen by the caller once per intention (an idempotency key): a retry with the same one is the same event. */
  readonly commandId: string;
}

interface OfFreeze extends OfApplication {
  /** Chosen once per intention, or per occurrence of a window: the same one again is the same event. */
  readonly freezeId: string;
  readonly reason: string;
}

/** What people and services ask for; `decide` answers with events or a refusal. */
export type ReleaseCommand =
  | (OfApplication & {
      readonly _tag: "RegisterApplication";
      readonly baseline: BundleReference;
      readonly author: Author;
    })
  | (OfRelease & {
      readonly _tag: "RequestRelease";
      readonly candidate: BundleReference;
      readonly policy: Policy;
      readonly evidence: OfflineEvidence | null;
      readonly author: Author;
      readonly team: string;
      readonly description: string;
      readonly commit: string | null;
      readonly link: string | null;
      readonly mergedAt: Timestamp | null;
      /** What the requester is told; no part of the wish. */
      readonly forecast?: CanaryForecast;
    })
  | (OfRelease & { readonly _tag: "RecordGateReport"; readonly report: GateReport })
  /** A proposal or the override itself, as the policy and what is proposed already make it. */
  | (OfRelease &
      ByAuthor & {
        readonly _tag: "OverrideGate";
        readonly incident: string | null;
        readonly expiresAt: Timestamp | null;
      })
  | (OfRelease & { readonly _tag: "ExpireOverride" })
  | (OfRelease & { readonly _tag: "StartShadow" })
  | (OfRelease & {
      readonly _tag: "RecordShadowVerdict";
      readonly verdict: "passed" | "regressed" | "inconclusive";
      readonly evidence: ShadowEvidence;
    })
  | (OfRelease & { readonly _tag: "StartCanary" })
  | (OfRelease & { readonly _tag: "AdvanceCanary"; readonly evidence: CanaryEvidence })
  | (OfRelease & {
      readonly _tag: "HoldCanary";
      readonly cause: HoldCause;
      readonly waitsFor: string;
      readonly until: Timestamp;
      readonly evidence: CanaryEvidence | null;
    })
  | (OfRelease & { readonly _tag: "EndHold" })
  | (OfRelease & {
      readonly _tag: "BreachCanary";
      readonly cause: BreachCause;
      readonly sentence: string;
      readonly since: Timestamp;
      readonly evidence: CanaryEvidence | null;
      /** Who reported it, for cause `external`. */
      readonly reportedBy?: Author;
    })
  | (OfRelease & {
      readonly _tag: "ConfirmMitigation";
      readonly routingVersion: number;
      readonly gateways: ReleaseEventOf<"MitigationConfirmed">["gateways"];
    })
  | (OfRelease & { readonly _tag: "RollBackRelease"; readonly unacknowledged: ReadonlyArray<string> })
  | (OfRelease & ByAuthor & { readonly _tag: "PauseRelease" })
  | (OfRelease & ByAuthor & { readonly _tag: "ResumeRelease" })
  | (OfRelease & ByAuthor & { readonly _tag: "SkipHold" })
  | (OfRelease & ByAuthor & { readonly _tag: "AbortRelease" })
  | (OfApplication & ByAuthor & { readonly _tag: "RollBackBaseline"; readonly to: Digest })
  | (OfFreeze & {
      readonly _tag: "FreezeReleases";
      readonly scope: FreezeScope;
      readonly until: Timestamp | null;
      readonly author: Author | null;
    })
  | (OfFreeze & { readonly _tag: "StopReleases"; readonly scope: FreezeScope; readonly author: Author })
  | (OfFreeze & { readonly _tag: "LiftFreeze"; readonly author: Author | null })
  | (OfApplication & {
      readonly _tag: "RequestErasure";
      readonly erasureId: string;
      readonly clusterKeys: ReadonlyArray<string>;
      readonly artifacts: ReadonlyArray<Digest>;
      readonly author: Author;
      readonly reason: string;
    })
  | (OfApplication & {
      readonly _tag: "ConcludeErasure";
      readonly erasureId: string;
      readonly observations: number;
      readonly judgements: number;
      readonly artifacts: number;
    })
  | (OfRelease & {
      readonly _tag: "RecordPageSent";
      readonly dedupKey: string;
      readonly channel: string;
      readonly notTakenBy: ReadonlyArray<string>;
    })
  | (OfRelease & { readonly _tag: "RecordPageResolved"; readonly dedupKey: string; readonly channel: string })
  | (OfRelease & { readonly _tag: "RecordPageUndelivered"; readonly dedupKey: string; readonly sentence: string })
  | (OfRelease & {
      readonly _tag: "RecordNoticeSent";
      readonly dedupKey: string;
      readonly channels: ReadonlyArray<string>;
    });
