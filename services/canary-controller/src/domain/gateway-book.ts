import { type ApplicationName, epochMsOf, type GatewayReport, type Timestamp, timestampOf } from "@sluice/contracts";
import type { Fault } from "./decide-step.ts";

interface Acknowledgement {
  readonly version: number;
  /** The gateway's report in which the version was first seen. */
  readonly at: Timestamp;
}

interface KnownGateway {
  readonly report: GatewayReport;
  /** By the controller's clock, which may differ from the gateway's. */
  readonly heardAt: Timestamp;
  readonly firstSeenAt: Timestamp;
  /** When it was last heard to have dropped observations, by the controller's clock; null: not in our time. */
  readonly lostAt: Timestamp | null;
  readonly acknowledged: ReadonlyMap<ApplicationName, ReadonlyArray<Acknowledgement>>;
}

/** Gateways by id, as their reports tell. */
export type GatewayBook = ReadonlyMap<string, KnownGateway>;

/** Versions kept per gateway and application; older ones are not waited for any more. */
const ACKNOWLEDGEMENTS_KEPT = 16;

export const recordReport = (book: GatewayBook, report: GatewayReport, heardAt: Timestamp): GatewayBook => {
  const known = book.get(report.gatewayId);
  if (known && known.report.at >= report.at) return book;
  const acknowledged = new Map(known?.acknowledged);
  for (const [application, version] of Object.entries(report.routing)) {
    const before = acknowledged.get(application) ?? [];
    if (before.at(-1)?.version !== version)
      acknowledged.set(application, [...before, { version, at: report.at }].slice(-ACKNOWLEDGEMENTS_KEPT));
  }
  return new Map(book).set(report.gatewayId, {
    report,
    heardAt,
    firstSeenAt: known?.firstSeenAt ?? report.at,
    // What its first report counts was before our time; a count that falls is that of a gateway started again.
    lostAt:
      known && report.dropped.observations !== known.report.dropped.observations && report.dropped.observations > 0
        ? heardAt
        : (known?.lostAt ?? null),
    acknowledged,
  });
};

/** Gateways that have not taken their leave and were heard of within the timeout. */
export const liveGateways = (book: GatewayBook, now: Timestamp, timeoutMs: number): ReadonlyArray<KnownGateway> => {
  const since = timestampOf(epochMsOf(now) - timeoutMs);
  return [...book.values()].filter(({ report, heardAt }) => report.live && heardAt >= since);
};

/**
 * Gateways that may have served the candidate when the release was pinned: a silent one goes on with the routing it has for
 * `maxUnwatchedSeconds`. Only its own farewell takes one off the list; silence after the pin does not.
 */
export const gatewaysToPin = (
  book: GatewayBook,
  pinnedAt: Timestamp,
  maxUnwatchedSeconds: number,
  timeoutMs: number,
): ReadonlyArray<KnownGateway> => liveGateways(book, pinnedAt, maxUnwatchedSeconds * 1_000 + timeoutMs);

export interface Mitigation {
  readonly gateways: ReadonlyArray<{ readonly gatewayId: string; readonly acknowledgedAt: Timestamp }>;
  readonly unacknowledged: ReadonlyArray<string>;
}

/** Which of the gateways serve the pinned routing and have stopped serving the candidate, and which have not said so. */
export const mitigationOf = (
  asked: ReadonlyArray<KnownGateway>,
  application: ApplicationName,
  pinnedVersion: number,
): Mitigation => {
  const answers = asked.map(({ report, acknowledged }) => {
    const pinned = acknowledged.get(application)?.find(({ version }) => version >= pinnedVersion);
    return {
      gatewayId: report.gatewayId,
      acknowledgedAt: pinned && hasStopped(report, application, pinned.at) ? pinned.at : null,
    };
  });
  return {
    gateways: answers.flatMap(({ gatewayId, acknowledgedAt }) =>
      acknowledgedAt ? [{ gatewayId, acknowledgedAt }] : [],
    ),
    unacknowledged: answers.filter(({ acknowledgedAt }) => !acknowledgedAt).map(({ gatewayId }) => gatewayId),
  };
};

/** A request that began before the pin was taken may be counted just after it: this long it is given. */
const QUIET_MS = 2_000;

const hasStopped = (report: GatewayReport, application: ApplicationName, pinnedAt: Timestamp): boolean => {
  const lastServedAt = report.candidateLastServedAt[application];
  return (
    lastServedAt === undefined || lastServedAt <= pinnedAt || epochMsOf(report.at) - epochMsOf(lastServedAt) >= QUIET_MS
  );
};

/** When the last of the gateways said that it serves this version or a later one; null: one of them has not said so. */
export const takenByAll = (
  gateways: ReadonlyArray<KnownGateway>,
  application: ApplicationName,
  version: number,
): Timestamp | null => {
  const taken = gateways.map(({ acknowledged }) =>
    acknowledged.get(application)?.find((acknowledgement) => acknowledgement.version >= version),
  );
  const last = taken.toSorted((a, b) => ((a?.at ?? "") < (b?.at ?? "") ? -1 : 1)).at(-1);
  return taken.includes(undefined) ? null : (last?.at ?? null);
};

export interface Closed {
  /** Windows that end at or before it are complete, those of the gateways in the fault excepted; null when none are. */
  readonly through: Timestamp | null;
  readonly fault: Fault | null;
}

export interface ClosingTimes {
  /** Of the step. */
  readonly startedAt: Timestamp;
  readonly now: Timestamp;
  readonly windowSeconds: number;
  readonly graceMs: number;
}

/**
 * How far windows are complete: every live gateway has sent all of them, and all of that is in the telemetry store. A
 * gateway that is silent for longer than `graceMs` beyond two windows is a fault with a name. It forbids going on, but the
 * windows of the others are still judged: a breach that they show must not wait for it. So is a gateway that had to drop
 * observations: for as long, nobody goes on, and the log says why. The loss does not favour an arm, and is not made good.
 */
export const closedThrough = (
  live: ReadonlyArray<KnownGateway>,
  watermarks: ReadonlyMap<string, Timestamp>,
  { startedAt, now, windowSeconds, graceMs }: ClosingTimes,
): Closed => {
  if (live.length === 0)
    return { through: null, fault: behind("a gateway: none has reported lately, so nobody knows what is served") };
  const windowMs = windowSeconds * 1_000;
  const lateBefore = timestampOf(epochMsOf(now) - 2 * windowMs - graceMs);
  const marks = live.map(({ report: { gatewayId }, firstSeenAt }) => ({
    gatewayId,
    // One that has sent nothing yet had nothing to send before it was there.
    at: watermarks.get(gatewayId) ?? (firstSeenAt > startedAt ? firstSeenAt : startedAt),
  }));
  const late = marks.find(({ at }) => at < lateBefore);
  const lossy = live.find(({ lostAt }) => lostAt !== null && lostAt >= lateBefore);
  const times = marks.flatMap(({ at }) => (at >= lateBefore ? [epochMsOf(at)] : []));
  return {
    through: times.length === 0 ? null : timestampOf(Math.floor(Math.min(...times) / windowMs) * windowMs),
    fault: late
      ? behind(`observations of gateway ${late.gatewayId}, which are complete only up to ${late.at}`)
      : lossy
        ? behind(
            `complete observations of gateway ${lossy.report.gatewayId}, which had to drop some by ${lossy.lostAt}`,
          )
        : null,
  };
};

const behind = (waitsFor: string): Fault => ({ cause: "watermark-behind", waitsFor });
