const accepted = "SELECT * FROM release_events FINAL WHERE accepted";

/**
 * How often the gate stood in the way of what was released unchanged later, by an override or by another attempt: a gate
 * that does so often is too strict, or its set does not show what users see. By the month of the block.
 */
const gate = `CREATE OR REPLACE VIEW kpi_gate_calibration AS
  WITH
    releases AS (
      SELECT application, release_id,
        anyIf(JSONExtractString(payload, 'candidate', 'digest'), type = 'ReleaseRequested') AS candidate,
        minIf(at, type = 'OfflineGateBlocked') AS blocked_at,
        countIf(type = 'OfflineGateBlocked') AS blocks,
        countIf(type = 'GateOverridden') AS overrides,
        maxIf(at, type = 'ReleaseCompleted') AS completed_at,
        countIf(type = 'ReleaseCompleted') AS completions
      FROM (${accepted} AND release_id != '') GROUP BY application, release_id
    ),
    served AS (
      SELECT application, candidate, max(completed_at) AS served_at
      FROM releases WHERE completions > 0 GROUP BY application, candidate
    )
  SELECT application, toStartOfMonth(blocked_at) AS month, count() AS blocked,
    countIf(served_at > blocked_at) AS released_unchanged,
    countIf(served_at > blocked_at AND overrides > 0 AND completions > 0) AS released_by_override,
    countIf(served_at > blocked_at) / count() AS rate
  FROM releases LEFT JOIN served USING (application, candidate)
  WHERE blocks > 0 GROUP BY application, month ORDER BY application, month`;

/**
 * How often a bundle that had reached 100 % was rolled back by hand afterwards: what all checks together have missed. A
 * rollback undoes the release of the bundle that it replaces. By the month of the completion.
 */
const lateRollbacks = `CREATE OR REPLACE VIEW kpi_late_rollbacks AS
  WITH
    baselines AS (
      SELECT application, type, at,
        multiIf(type = 'ReleaseCompleted', JSONExtractString(payload, 'baseline'),
                type = 'BaselineRolledBack', JSONExtractString(payload, 'to'),
                JSONExtractString(payload, 'baseline', 'digest')) AS bundle,
        lagInFrame(bundle) OVER (PARTITION BY application ORDER BY at ASC
                                 ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS replaced
      FROM (${accepted} AND type IN ('ApplicationRegistered', 'ReleaseCompleted', 'BaselineRolledBack'))
    ),
    undone AS (
      SELECT application, replaced, at AS undone_at
      FROM baselines WHERE type = 'BaselineRolledBack' AND replaced != bundle
    ),
    completed AS (
      SELECT application, bundle, at AS completed_at FROM baselines WHERE type = 'ReleaseCompleted'
    ),
    -- The latest completion of that bundle: an earlier one had been replaced in good order.
    ends AS (
      SELECT completed.application AS application, completed.bundle AS bundle, completed_at, min(undone_at) AS rolled_back_at
      FROM undone ASOF JOIN completed
        ON undone.application = completed.application AND undone.replaced = completed.bundle AND undone.undone_at > completed.completed_at
      GROUP BY application, bundle, completed_at
    ),
    fates AS (
      SELECT application, completed_at, rolled_back_at, rolled_back_at > completed_at AS rolled_back
      FROM completed LEFT JOIN ends USING (application, bundle, completed_at)
    )
  SELECT application, toStartOfMonth(completed_at) AS month, count() AS completed, countIf(rolled_back) AS rolled_back_later,
    countIf(rolled_back) / count() AS rate,
    quantileIf(0.5)(dateDiff('millisecond', completed_at, rolled_back_at) / 1000, rolled_back) AS until_rollback_p50_s
  FROM fates GROUP BY application, month ORDER BY application, month`;

export const calibrationViews: ReadonlyArray<string> = [gate, lateRollbacks];
