import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { RedactionRule } from "@sluice/contracts/redaction";
import { type Assignment, assign, type Source } from "./domain/assign.ts";
import type { Snapshot } from "./domain/snapshot.ts";
import { type Measured, ObservationReporter } from "./observation-reporter.ts";
import { ReleaseFollower } from "./release-follower.ts";
import { type ClientSettings, type ClientSettingsInput, clientSettings } from "./settings.ts";
import { SnapshotFile, snapshotFrom } from "./snapshot-file.ts";

export interface OpenOptions {
  /** A snapshot that ships with the service, as `snapshot()` gave it: used where neither the registry nor the disk tells. */
  readonly bundled?: unknown;
  /** Added to the standard rules for payloads. */
  readonly redaction?: ReadonlyArray<RedactionRule>;
  /** One sentence each; they change nothing for who serves. Left out: they are not told. */
  readonly onTrouble?: (sentence: string) => void;
}

/** Whom a request belongs to; whatever is missing is left out. */
export interface RequestKeys {
  readonly conversation?: string;
  readonly user?: string;
}

export interface SluiceClient {
  /** The arm and bundle of one request. At once, from memory; never throws. */
  readonly assign: (keys: RequestKeys) => Assignment;
  /** Tells how a request that was assigned went. At once; never throws. */
  readonly observe: (assignment: Assignment, measured: Measured) => void;
  /** All that is known, to be bundled with a service; null where nothing is. */
  readonly snapshot: () => Snapshot | null;
  readonly source: () => Source;
  /** Observations that wait to be reported, and those lost that no report has told of. */
  readonly pending: () => { readonly observations: number; readonly dropped: number };
  /** Sends what was observed and stops following. */
  readonly close: () => Promise<void>;
}

/** A sign of life is worth a write this seldom. */
const HEARD_WRITE_MS = 10_000;

/**
 * For services that serve without the gateway: follows the application's release state, assigns by the same function as the
 * gateway, reports what was observed. What it serves when the registry is away: memory, then disk, then what was bundled,
 * then the caller's own default; never a candidate that nobody watches. Throws only for settings that cannot be.
 */
export const openSluiceClient = async (
  input: ClientSettingsInput,
  { bundled, redaction = [], onTrouble = () => {} }: OpenOptions = {},
): Promise<SluiceClient> => {
  const settings = clientSettings(input);
  const { application, directory, gatewayUrl } = settings;
  const file = directory === null ? null : new SnapshotFile(directory, application);
  const [start, source] = await firstSnapshot(file, bundled, application);
  const keep = keeperOf(file, onTrouble);
  const follower = new ReleaseFollower(settings, start, source, { onChanged: keep, onTrouble });
  const reporter = gatewayUrl === null ? null : new ObservationReporter(settings, redaction, onTrouble);
  await Promise.race([follower.ready, delay(settings.startTimeoutMs, undefined, { ref: false })]);
  const bootId = randomBytes(6).toString("hex");
  let requests = 0;
  return {
    assign: ({ conversation, user }) => {
      requests += 1;
      const request = `${bootId}-${requests.toString(36)}`;
      const rules = rulesOf(settings);
      return assign(follower.snapshot, follower.source, { conversation, user, request }, rules, Date.now());
    },
    observe: (assignment, measured) => reporter?.add(assignment, measured),
    snapshot: () => follower.snapshot,
    source: () => (follower.snapshot ? follower.source : "default"),
    pending: () => reporter?.pending ?? { observations: 0, dropped: 0 },
    close: async () => {
      await Promise.all([follower.close(), reporter?.close()]);
      await file?.settled();
    },
  };
};

const rulesOf = ({ clusterKeySecret, maxUnwatchedSeconds }: ClientSettings) => ({
  clusterKeySecret,
  maxUnwatchedMs: maxUnwatchedSeconds * 1_000,
});

/** Of disk and bundled the disk comes first; a bundled one tells nothing of now, so its candidate counts as unwatched. */
const firstSnapshot = async (
  file: SnapshotFile | null,
  bundled: unknown,
  application: string,
): Promise<readonly [Snapshot | null, Source]> => {
  const stored = (await file?.read()) ?? null;
  if (stored) return [stored, "disk"];
  const shipped = bundled === undefined ? null : snapshotFrom(bundled, application);
  if (bundled !== undefined && !shipped) {
    throw new TypeError(
      `sluice client: 'bundled' is no snapshot of application ${application}: give what snapshot() of a client returned`,
    );
  }
  return shipped ? [{ ...shipped, heardAtMs: 0 }, "bundled"] : [null, "default"];
};

/** Writes changes at once, and signs of life now and then. */
const keeperOf = (file: SnapshotFile | null, onTrouble: (sentence: string) => void) => {
  let kept: Snapshot | null = null;
  return (snapshot: Snapshot): void => {
    const isSame = kept?.state === snapshot.state && snapshot.heardAtMs - kept.heardAtMs < HEARD_WRITE_MS;
    if (isSame) return;
    kept = snapshot;
    file?.write(snapshot, onTrouble);
  };
};
