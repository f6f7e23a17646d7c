/** Whose figures a row tells. A team's are those of the releases that it requested. */
type Of = "application" | "team";
const nameOf = (view: string, of: Of): string => (of === "team" ? `${view}_by_team` : view);

const accepted = "SELECT * FROM release_events FINAL WHERE accepted";

/** One row per completed release; \`kpi_lead_time\` is made of it. Times in seconds, from merge (else request) to 100 %. */
const releaseLeadTimes = `CREATE OR REPLACE VIEW release_lead_times AS
  WITH
    spans AS (
      SELECT application, release_id,
        anyIf(team, type = 'ReleaseRequested') AS team,
        minIf(coalesce(merged_at, at), type = 'ReleaseRequested') AS merged_at,
        maxIf(at, type = 'ReleaseCompleted') AS completed_at,
        countIf(type = 'ReleaseCompleted') AS completions,
        anyIf(shadow_hold_seconds, type = 'ReleaseRequested') AS shadow_hold,
        anyIf(step_hold_seconds, type = 'ReleaseRequested') AS step_holds,
        minIf(at, type = 'ShadowStarted') AS shadow_started_at,
        maxIf(at, type = 'ShadowPassed') AS shadow_passed_at,
        mapFromArrays(groupArrayIf(assumeNotNull(step), type = 'CanaryStepStarted'),
                      groupArrayIf(at, type = 'CanaryStepStarted')) AS started,
        mapFromArrays(groupArrayIf(assumeNotNull(step), type = 'CanaryStepPassed'),
                      groupArrayIf(at, type = 'CanaryStepPassed')) AS passed,
        arraySort(groupArrayIf(at, type = 'ReleasePaused')) AS paused,
        arraySort(groupArrayIf(at, type = 'ReleaseResumed')) AS resumed
      FROM (${accepted} AND release_id != '') GROUP BY application, release_id
      HAVING completions > 0
    ),
    -- A freeze or an emergency stop of the application, until it was lifted. One that is not lifted lets nothing complete.
    freezes AS (
      SELECT application, JSONExtractString(payload, 'freezeId') AS freeze_id,
        minIf(at, type != 'ReleasesUnfrozen') AS frozen_at, maxIf(at, type = 'ReleasesUnfrozen') AS lifted_at
      FROM (${accepted} AND type IN ('ReleasesFrozen', 'ReleasesStopped', 'ReleasesUnfrozen'))
      GROUP BY application, freeze_id HAVING lifted_at > frozen_at AND countIf(type != 'ReleasesUnfrozen') > 0
    ),
    -- What overlaps counts once, and nothing before the merge or after the end.
    standstills AS (
      SELECT application, release_id,
        intervalLengthSum(toUnixTimestamp64Milli(from_at), toUnixTimestamp64Milli(to_at)) / 1000 AS seconds
      FROM (
        SELECT application, release_id, pause.1 AS from_at, pause.2 AS to_at FROM spans
        ARRAY JOIN arrayZip(arraySlice(paused, 1, length(resumed)), arraySlice(resumed, 1, length(paused))) AS pause
        UNION ALL
        SELECT application, release_id, greatest(frozen_at, merged_at) AS from_at, least(lifted_at, completed_at) AS to_at
        FROM spans INNER JOIN freezes USING (application) WHERE frozen_at < completed_at AND lifted_at > merged_at
      ) GROUP BY application, release_id
    )
  SELECT application, release_id, team, merged_at, completed_at,
    dateDiff('millisecond', merged_at, completed_at) / 1000 AS gross_s,
    -- A hold counts as long as the phase really lasted: it may have been skipped.
    least(coalesce(shadow_hold, 0), dateDiff('millisecond', shadow_started_at, shadow_passed_at) / 1000)
      + arraySum(arrayMap((k, hold) -> least(hold, dateDiff('millisecond', started[k - 1], passed[k - 1]) / 1000),
                          arrayEnumerate(step_holds), step_holds)) AS holds_s,
    coalesce(standstills.seconds, 0) AS pauses_s
  FROM spans LEFT JOIN standstills USING (application, release_id)`;

const leadTime = (of: Of) => `CREATE OR REPLACE VIEW ${nameOf("kpi_lead_time", of)} AS
  SELECT ${of}, toStartOfMonth(completed_at) AS month, count() AS releases,
    quantile(0.5)(gross_s) AS gross_p50_s, quantile(0.95)(gross_s) AS gross_p95_s,
    quantile(0.5)(greatest(0, gross_s - holds_s)) AS net_of_holds_p50_s,
    quantile(0.95)(greatest(0, gross_s - holds_s)) AS net_of_holds_p95_s,
    quantile(0.5)(greatest(0, gross_s - pauses_s)) AS net_of_pauses_p50_s,
    quantile(0.95)(greatest(0, gross_s - pauses_s)) AS net_of_pauses_p95_s
  FROM release_lead_times GROUP BY ${of}, month ORDER BY ${of}, month`;

/** The override has no team of its own: it is the request's. Counted in the month of the request, so that rates add up. */
const overrides = `CREATE OR REPLACE VIEW kpi_overrides AS
  WITH releases AS (
    SELECT application, release_id, anyIf(team, type = 'ReleaseRequested') AS team,
      minIf(at, type = 'ReleaseRequested') AS requested_at, countIf(type = 'GateOverridden') AS overrides
    FROM (${accepted} AND release_id != '') GROUP BY application, release_id
  )
  SELECT team, toStartOfMonth(requested_at) AS month, count() AS releases,
    countIf(overrides > 0) AS overridden, countIf(overrides > 0) / count() AS rate
  FROM releases GROUP BY team, month ORDER BY team, month`;

/** Time to mitigate: the first breached window → detected → pinned on the last gateway → confirmed. */
const rollbacks = (of: Of) => `CREATE OR REPLACE VIEW ${nameOf("kpi_rollbacks", of)} AS
  WITH releases AS (
    SELECT application, release_id, anyIf(team, type = 'ReleaseRequested') AS team,
      minIf(at, type = 'CanaryStepStarted') AS canary_at,
      countIf(type = 'CanaryStepStarted') AS steps,
      countIf(type = 'CanaryBreached') AS breaches,
      countIf(type = 'ReleaseRolledBack') AS rollbacks,
      countIf(type = 'MitigationConfirmed') AS confirmations,
      anyIf(since, type = 'CanaryBreached') AS since,
      minIf(at, type = 'CanaryBreached') AS detected_at,
      anyIf(pinned_at, type = 'MitigationConfirmed') AS pinned_at,
      minIf(at, type = 'MitigationConfirmed') AS confirmed_at
    FROM (${accepted} AND release_id != '') GROUP BY application, release_id HAVING steps > 0
  )
  SELECT ${of}, toStartOfMonth(canary_at) AS month, count() AS canaries,
    countIf(breaches > 0) AS breached, countIf(rollbacks > 0) AS rolled_back, countIf(rollbacks > 0) / count() AS rate,
    quantileIf(0.5)(dateDiff('millisecond', since, detected_at) / 1000, breaches > 0) AS since_to_detected_p50_s,
    quantileIf(0.5)(dateDiff('millisecond', detected_at, pinned_at) / 1000, confirmations > 0 AND breaches > 0) AS detected_to_pinned_p50_s,
    quantileIf(0.5)(dateDiff('millisecond', detected_at, confirmed_at) / 1000, confirmations > 0 AND breaches > 0)
      AS detected_to_confirmed_p50_s,
    quantileIf(0.95)(dateDiff('millisecond', detected_at, confirmed_at) / 1000, confirmations > 0 AND breaches > 0)
      AS detected_to_confirmed_p95_s,
    quantileIf(0.5)(dateDiff('millisecond', since, confirmed_at) / 1000, confirmations > 0 AND breaches > 0) AS since_to_confirmed_p50_s,
    quantileIf(0.95)(dateDiff('millisecond', since, confirmed_at) / 1000, confirmations > 0 AND breaches > 0) AS since_to_confirmed_p95_s
  FROM releases GROUP BY ${of}, month ORDER BY ${of}, month`;

const shadowRegressions = (of: Of) => `CREATE OR REPLACE VIEW ${nameOf("kpi_shadow_regressions", of)} AS
  WITH releases AS (
    SELECT application, release_id, anyIf(team, type = 'ReleaseRequested') AS team,
      anyIf(type, type IN ('ShadowPassed', 'ShadowRegressed', 'ShadowInconclusive')) AS verdict,
      maxIf(at, type IN ('ShadowPassed', 'ShadowRegressed', 'ShadowInconclusive')) AS decided_at
    FROM (${accepted} AND release_id != '') GROUP BY application, release_id HAVING verdict != ''
  )
  SELECT ${of}, toStartOfQuarter(decided_at) AS quarter,
    countIf(verdict = 'ShadowPassed') AS passed, countIf(verdict = 'ShadowRegressed') AS regressed,
    countIf(verdict = 'ShadowInconclusive') AS inconclusive
  FROM releases GROUP BY ${of}, quarter ORDER BY ${of}, quarter`;

export const kpiViews: ReadonlyArray<string> = [
  releaseLeadTimes,
  overrides,
  ...[leadTime, rollbacks, shadowRegressions].flatMap((view) => [view("application"), view("team")]),
];
