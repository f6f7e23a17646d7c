import {
  type Arm,
  type ArmWindow,
  epochMsOf,
  type JudgementEvent,
  latencyBinOf,
  type Observation,
  type ObservationsRecorded,
  type ResponseJudged,
  type ShadowPairRecorded,
  type Timestamp,
  type UnitCounts,
} from "@sluice/contracts";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { bundleChangesOf } from "./bundle-changes.ts";
import { areTextsKept, keptPairsOf } from "./kept-pairs.ts";
import {
  type ErasedRows,
  type ErasedTexts,
  type RecordedReleaseEvent,
  TelemetryError,
  TelemetryStore,
  type TrafficQuery,
  type TrafficTotals,
  type WindowQuery,
  type WindowRow,
} from "./telemetry-store.ts";
import {
  CLIENT_GONE_STATUS,
  emptyArmWindow,
  emptyWindow,
  faultOfQuery,
  fillWindows,
  noUnits,
  windowNumber,
  withUnits,
} from "./windows.ts";

const noSql = new TelemetryError({ operation: "query", message: "the telemetry store in memory runs no SQL" });

/** In memory, for tests: the same windows as ClickHouse gives, from plain code. It runs no SQL, so `query` always fails. */
export const layerMemory: Layer.Layer<TelemetryStore> = Layer.sync(TelemetryStore, () => {
  const observations = new Map<string, Observation>();
  const judgements = new Map<string, JudgementEvent>();
  const pairs = new Map<string, ShadowPairRecorded>();
  const releaseEvents = new Map<string, RecordedReleaseEvent>();
  const through = new Map<string, Map<string, Timestamp>>();

  const insertBatch = (batch: ObservationsRecorded) => {
    for (const observation of batch.observations) observations.set(observation.observationId, observation);
    const gateways = through.get(batch.application) ?? new Map<string, Timestamp>();
    const before = gateways.get(batch.gatewayId);
    if (!before || before < batch.through) gateways.set(batch.gatewayId, batch.through);
    through.set(batch.application, gateways);
  };

  return TelemetryStore.of({
    insertObservations: (batches) => Effect.sync(() => batches.forEach(insertBatch)),
    insertJudgements: (events) =>
      Effect.sync(() => {
        for (const event of events) judgements.set(event.judgementId, event);
      }),
    insertPairs: (recorded) =>
      Effect.sync(() => {
        for (const pair of recorded.filter(areTextsKept)) pairs.set(pair.pairId, pair);
      }),
    insertReleaseEvents: (events) =>
      Effect.sync(() => {
        for (const recorded of events) releaseEvents.set(`${recorded.event.eventId}/${recorded.accepted}`, recorded);
      }),
    watermarks: (application) => Effect.sync(() => new Map(through.get(application))),
    windows: (query) => {
      const fault = faultOfQuery(query);
      return fault
        ? Effect.fail(new TelemetryError({ operation: "query", message: fault }))
        : Effect.sync(() => aggregate(query, [...observations.values()], [...judgements.values()]));
    },
    traffic: (query) => Effect.sync(() => totals(query, [...observations.values()], [...judgements.values()])),
    pairs: (query) => Effect.sync(() => keptPairsOf(query, [...pairs.values()], [...judgements.values()])),
    eraseTexts: (texts) => Effect.sync(() => erase(texts, observations, judgements, pairs)),
    bundleChanges: (digest) =>
      Effect.sync(() =>
        bundleChangesOf(
          digest,
          [...releaseEvents.values()].flatMap(({ event, accepted }) => (accepted ? [event] : [])),
        ),
      ),
    query: () => Effect.fail(noSql),
    answer: () => Effect.fail(noSql),
  });
});

const erase = (
  { application, clusterKeys, until }: ErasedTexts,
  observations: Map<string, Observation>,
  judgements: Map<string, JudgementEvent>,
  pairs: Map<string, ShadowPairRecorded>,
): ErasedRows => {
  const isOf = (row: { readonly application: string; readonly clusterKey?: string }) =>
    row.application === application && row.clusterKey !== undefined && clusterKeys.includes(row.clusterKey);
  const said = [...observations].filter(([, row]) => isOf(row) && row.endedAt <= until);
  for (const [id, { payload: _, ...figures }] of said) observations.set(id, figures);
  const judged = [...judgements].filter(([, row]) => isOf(row));
  for (const [id, row] of judged) judgements.set(id, { ...row, error: row.error && "erased" });
  for (const [id, row] of pairs) if (isOf(row) && row.at <= until) pairs.delete(id);
  return { observations: said.length, judgements: judged.length };
};

const aggregate = (
  query: WindowQuery,
  observations: ReadonlyArray<Observation>,
  judgements: ReadonlyArray<JudgementEvent>,
): ReadonlyArray<WindowRow> => {
  const windows = new Map<number, WindowRow>();
  const change = (at: Timestamp, f: (window: WindowRow) => WindowRow) => {
    if (at < query.from || at >= query.to) return;
    const number = windowNumber(epochMsOf(at), query.windowSeconds);
    windows.set(number, f(windows.get(number) ?? emptyWindow(number, query.windowSeconds)));
  };
  const changeArm = (at: Timestamp, arm: Arm, f: (window: ArmWindow) => ArmWindow) =>
    change(at, (window) => ({ ...window, [arm]: f(window[arm]) }));

  const users = observations.filter(
    (o) => o.role === "user" && o.application === query.application && o.releaseId === query.releaseId,
  );
  for (const o of users) changeArm(o.endedAt, o.arm, (window) => countObservation(window, o));
  const units = new Map<string, UnitCounts>();
  for (const o of firstRequests(users, query)) {
    const key = unitKey(o.arm, windowNumber(epochMsOf(o.endedAt), query.windowSeconds));
    units.set(key, countUnit(units.get(key) ?? noUnits, o));
  }
  for (const [number, window] of windows) {
    const armOf = (arm: Arm) => withUnits(window[arm], units.get(unitKey(arm, number)) ?? noUnits);
    windows.set(number, { ...window, baseline: armOf("baseline"), candidate: armOf("candidate") });
  }
  for (const { at, arm } of firstSeen(users, query.conversationsSince))
    changeArm(at, arm, (window) => ({ ...window, conversations: window.conversations + 1 }));

  const judged = judgements.filter((j) => j.application === query.application && j.releaseId === query.releaseId);
  for (const j of firstScores(judged, query)) changeArm(j.endedAt, j.arm, (window) => countScore(window, j.score));
  for (const j of judged)
    if (j._tag === "SafetyProbeJudged") change(j.at, (window) => ({ ...window, probes: countProbe(window.probes, j) }));
  return fillWindows(query, windows);
};

const totals = (
  { application, from, to, unitSeconds }: TrafficQuery,
  observations: ReadonlyArray<Observation>,
  judgements: ReadonlyArray<JudgementEvent>,
): TrafficTotals => {
  const isWithin = (at: Timestamp) => at >= from && at < to;
  const served = observations.filter(
    (o) => o.role === "user" && o.application === application && isWithin(o.endedAt) && !isAbandoned(o),
  );
  const counted = served.reduce(countObservation, emptyArmWindow);
  const scored = judgements
    .flatMap((j) => (j._tag === "ResponseJudged" && j.application === application && isWithin(j.endedAt) ? [j] : []))
    .reduce((window, { score }) => countScore(window, score), emptyArmWindow);
  const units = new Set(served.map((o) => `${o.clusterKey}/${windowNumber(epochMsOf(o.endedAt), unitSeconds)}`));
  const { requests, errors, answered, refusals, latencyBins } = counted;
  const [firstAt = null] = served.map((o) => o.endedAt).sort();
  return { firstAt, requests, units: units.size, errors, answered, refusals, latencyBins, quality: scored.quality };
};

/** Nothing is known of the arm: neither an answer nor an error, and the time until the client left is no latency. */
const isAbandoned = (o: Observation): boolean => o.status === CLIENT_GONE_STATUS && o.errorClass === null;

const countObservation = (window: ArmWindow, o: Observation): ArmWindow => {
  const answered = o.errorClass === null;
  const wrongDigest = window.wrongDigest + (o.servedBundle === o.assignedBundle ? 0 : 1);
  if (isAbandoned(o)) return { ...window, wrongDigest };
  return {
    ...window,
    requests: window.requests + 1,
    errors: window.errors + (answered ? 0 : 1),
    answered: window.answered + (answered && o.refused !== null ? 1 : 0),
    refusals: window.refusals + (answered && o.refused ? 1 : 0),
    wrongDigest,
    latencyBins: answered ? addToBin(window.latencyBins, latencyBinOf(o.latencyMs)) : window.latencyBins,
  };
};

const addToBin = (bins: ArmWindow["latencyBins"], bin: number): ArmWindow["latencyBins"] => {
  const counts = new Map(bins);
  counts.set(bin, (counts.get(bin) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => a - b);
};

/** Each conversation once: when and on which arm it was first seen. Ties go to the baseline, as in ClickHouse. */
const firstSeen = (observations: ReadonlyArray<Observation>, since: Timestamp) => {
  const first = new Map<string, { readonly at: Timestamp; readonly arm: Arm }>();
  for (const { clusterKey, endedAt, arm } of observations) {
    if (endedAt < since) continue;
    const known = first.get(clusterKey);
    if (!known || endedAt < known.at || (endedAt === known.at && arm < known.arm))
      first.set(clusterKey, { at: endedAt, arm });
  }
  return [...first.values()];
};

const unitKey = (arm: Arm, window: number): string => `${arm}/${window}`;

/** The first of each cluster on each arm, before and after the share has settled. */
const firstOfCluster = <T extends { readonly arm: Arm; readonly endedAt: Timestamp }>(
  items: ReadonlyArray<T>,
  { unitsSince, conversationsSince }: WindowQuery,
  clusterOf: (item: T) => string,
  isBefore: (a: T, b: T) => boolean,
): ReadonlyArray<T> => {
  const first = new Map<string, T>();
  for (const item of items) {
    if (item.endedAt < unitsSince) continue;
    const key = JSON.stringify([item.arm, item.endedAt >= conversationsSince, clusterOf(item)]);
    const known = first.get(key);
    if (!known || isBefore(item, known)) first.set(key, item);
  }
  return [...first.values()];
};

const firstRequests = (observations: ReadonlyArray<Observation>, query: WindowQuery) =>
  firstOfCluster(
    observations,
    query,
    ({ clusterKey }) => clusterKey,
    (a, b) => placeOf(a) < placeOf(b),
  );

/** Ties within a millisecond go to the faster request, then to the one that fared better: as in ClickHouse. */
const placeOf = (o: Observation): string => {
  const { endedAt, latencyMs, errorClass, refused } = o;
  const state = errorClass !== null ? 3 : isAbandoned(o) ? 4 : refused === null ? 2 : refused ? 1 : 0;
  return `${endedAt}/${String(latencyBinOf(latencyMs)).padStart(4, "0")}/${state}`;
};

const countUnit = (units: UnitCounts, o: Observation): UnitCounts => {
  if (isAbandoned(o)) return units;
  const { errors, answered, refusals, latencyBins } = countObservation({ ...emptyArmWindow, ...units }, o);
  return { n: units.n + 1, errors, answered, refusals, latencyBins };
};

const firstScores = (judgements: ReadonlyArray<JudgementEvent>, query: WindowQuery): ReadonlyArray<ResponseJudged> =>
  firstOfCluster(
    judgements.flatMap((j) => (j._tag === "ResponseJudged" && j.score !== null ? [j] : [])),
    query,
    ({ clusterKey, observationId }) => clusterKey ?? observationId,
    (a, b) => `${a.endedAt}/${a.judgementId}` < `${b.endedAt}/${b.judgementId}`,
  );

const countScore = (window: ArmWindow, score: number | null): ArmWindow =>
  score === null
    ? window
    : {
        ...window,
        quality: {
          n: window.quality.n + 1,
          sum: window.quality.sum + score,
          sumSquares: window.quality.sumSquares + score * score,
        },
      };

const countProbe = (
  probes: WindowRow["probes"],
  judged: Extract<JudgementEvent, { _tag: "SafetyProbeJudged" }>,
): WindowRow["probes"] => ({
  sent: probes.sent + (judged.passed === null ? 0 : 1),
  failed: probes.failed + (judged.passed === false ? 1 : 0),
  confirmed: judged.confirmed ? [...new Set([...probes.confirmed, judged.caseId])].sort() : probes.confirmed,
});
