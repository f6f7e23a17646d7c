import type {
  ApplicationName,
  ArmWindow,
  CanaryWindow,
  Digest,
  JudgementEvent,
  ObservationsRecorded,
  ReleaseEvent,
  ReleaseId,
  ShadowPair,
  ShadowPairRecorded,
  Timestamp,
} from "@sluice/contracts";
import * as Context from "effect/Context";
import type * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type { AnalystAnswer, AnalystStatement, StatementRefused } from "./analyst-statement.ts";
import type { BundleChange } from "./bundle-changes.ts";

/** ClickHouse could not be reached or refused the statement. Never a verdict: whoever asked has no answer. */
export class TelemetryError extends Schema.TaggedError<TelemetryError>()("TelemetryError", {
  operation: Schema.Literals(["open", "insert", "query", "erase"]),
  message: Schema.String,
}) {}

export interface WindowQuery {
  readonly application: ApplicationName;
  readonly releaseId: ReleaseId;
  /** Inclusive start and exclusive end, both multiples of the window's length since the epoch. */
  readonly from: Timestamp;
  readonly to: Timestamp;
  readonly windowSeconds: number;
  /**
   * Start of the step. Units (cluster keys) are counted once on each arm: by their first request since this instant, and
   * once more by their first since `conversationsSince`, because until then a cluster may change its arm.
   */
  readonly unitsSince: Timestamp;
  /**
   * Conversations are counted in the window where they were first seen since this instant, so that windows add up to
   * distinct conversations: one that comes back in every window was assigned only once. Windows before it count none.
   */
  readonly conversationsSince: Timestamp;
}

/** Longest answer of one window query: more than a day of 2-second windows. Longer spans are asked for in parts. */
export const MAX_WINDOWS_PER_QUERY = 50_000;

/** One closed window's counts and sums, without what only the controller knows (step, share). Empty windows included. */
export interface WindowRow extends Pick<CanaryWindow, "from" | "probes"> {
  readonly baseline: ArmWindow;
  readonly candidate: ArmWindow;
}

export interface TrafficQuery {
  readonly application: ApplicationName;
  /** Inclusive start and exclusive end. */
  readonly from: Timestamp;
  readonly to: Timestamp;
  /** Cluster keys are counted once in each span of this length. */
  readonly unitSeconds: number;
}

/** All user traffic of an application in a span, of whatever release and arm: counts and sums. */
export interface TrafficTotals {
  /** When its first request ended; null when there was none. */
  readonly firstAt: Timestamp | null;
  readonly requests: number;
  readonly units: number;
  readonly errors: number;
  readonly answered: number;
  readonly refusals: number;
  readonly latencyBins: ArmWindow["latencyBins"];
  /** Of every judged answer. */
  readonly quality: ArmWindow["quality"];
}

export interface PairQuery {
  readonly application: ApplicationName;
  readonly releaseId: ReleaseId;
  /** At most so many pairs: those where the judge saw the candidate lose most first, then the latest. */
  readonly limit: number;
}

export interface KeptPairs {
  /** Pairs of the release that are there. */
  readonly kept: number;
  readonly pairs: ReadonlyArray<ShadowPair>;
}

/** Texts that people said, or were answered, until an instant. */
export interface ErasedTexts {
  readonly application: ApplicationName;
  readonly clusterKeys: ReadonlyArray<string>;
  /** Inclusive. */
  readonly until: Timestamp;
}

/** Rows of these cluster keys that are there: their texts are gone, whenever that was. */
export interface ErasedRows {
  readonly observations: number;
  readonly judgements: number;
}

/** A release event as analysts see it: flat, with the fold's answer. */
export interface RecordedReleaseEvent {
  readonly event: ReleaseEvent;
  readonly accepted: boolean;
  /** Whose release it is; left out: the team of the event itself, which only a request has. */
  readonly team?: string | undefined;
  /** The event's JSON where it is at hand; left out: it is made of the event. */
  readonly payload?: string;
}

/** Where on the bus the batches of one insert end: told to whoever asks how far the ingest of a partition is. */
export interface BatchSource {
  readonly partition: number;
  readonly offset: number;
}

/** Traffic, judgements and release events for statistical windows, KPIs and analysts. Inserts are idempotent. */
export class TelemetryStore extends Context.Service<
  TelemetryStore,
  {
    readonly insertObservations: (
      batches: ReadonlyArray<ObservationsRecorded>,
      source?: BatchSource,
    ) => Effect.Effect<void, TelemetryError>;
    readonly insertJudgements: (judgements: ReadonlyArray<JudgementEvent>) => Effect.Effect<void, TelemetryError>;
    /** Keeps the texts of mirrored requests for people to look at, but for those that are for the judge alone. */
    readonly insertPairs: (pairs: ReadonlyArray<ShadowPairRecorded>) => Effect.Effect<void, TelemetryError>;
    readonly insertReleaseEvents: (events: ReadonlyArray<RecordedReleaseEvent>) => Effect.Effect<void, TelemetryError>;
    /**
     * How far each gateway's observations of an application are complete (its last batch's `through`). Windows that end
     * at or before the least of the live gateways' are closed.
     */
    readonly watermarks: (
      application: ApplicationName,
    ) => Effect.Effect<ReadonlyMap<string, Timestamp>, TelemetryError>;
    readonly windows: (query: WindowQuery) => Effect.Effect<ReadonlyArray<WindowRow>, TelemetryError>;
    /** What an application's users have met lately, for a forecast: in one pass, and without windows. */
    readonly traffic: (query: TrafficQuery) => Effect.Effect<TrafficTotals, TelemetryError>;
    /** Texts of users: for whoever may read them. */
    readonly pairs: (query: PairQuery) => Effect.Effect<KeptPairs, TelemetryError>;
    /**
     * Takes texts out of observations and judgements, and kept pairs as a whole. Figures stay, so no window changes. Again: does
     * nothing where nothing has come in since.
     */
    readonly eraseTexts: (texts: ErasedTexts) => Effect.Effect<ErasedRows, TelemetryError>;
    /** What happened to bundles in every application that ever had this one, or one with this part, in the order of time. */
    readonly bundleChanges: (digest: Digest) => Effect.Effect<ReadonlyArray<BundleChange>, TelemetryError>;
    /** A read-only query of the documented tables and views; rows as objects. For KPIs and analysts. */
    readonly query: (
      sql: string,
      parameters?: Readonly<Record<string, unknown>>,
    ) => Effect.Effect<ReadonlyArray<Record<string, unknown>>, TelemetryError>;
    /** A statement of an analyst, as the bytes of the format asked for. Reads the documented tables and does nothing else. */
    readonly answer: (statement: AnalystStatement) => Effect.Effect<AnalystAnswer, TelemetryError | StatementRefused>;
  }
>()("@sluice/TelemetryStore") {}
