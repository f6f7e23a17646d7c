-- Who reads analysts' tables on a ClickHouse server. Run by an administrator, in the database of the tables (here: sluice).
-- The registry itself writes as another user; nobody here can.
-- A test has embedded ClickHouse 26.7 parse every statement and run the conditions of the row policies; embedded it has no users, so
-- the roles, grants and policies themselves have not been tried on a server.
-- On a cluster the rows are in tables that are called the same with _local behind, which the grant below covers too: make every row
-- policy for those as well, ON CLUSTER.

CREATE ROLE IF NOT EXISTS sluice_analyst;
GRANT SELECT ON sluice.* TO sluice_analyst;

-- Read-only, and bounded so that one query starves nobody. readonly = 2 lets clients set how their answer is written; the
-- constraints keep the limits where they are.
CREATE SETTINGS PROFILE IF NOT EXISTS sluice_analyst_limits SETTINGS
  readonly = 2,
  max_execution_time = 30 MIN 1 MAX 30,
  max_result_rows = 100000 MIN 1 MAX 100000,
  result_overflow_mode = 'throw' CONST,
  max_memory_usage = 4000000000 MAX 4000000000
  TO sluice_analyst;

-- Somebody who sees everything. A row policy for some hides all rows from everybody who has none: so everybody gets one.
CREATE ROLE IF NOT EXISTS sluice_all_teams;
GRANT sluice_analyst TO sluice_all_teams;
CREATE ROW POLICY IF NOT EXISTS sluice_all ON sluice.release_events USING 1 TO sluice_all_teams;
CREATE ROW POLICY IF NOT EXISTS sluice_all ON sluice.observations USING 1 TO sluice_all_teams;
CREATE ROW POLICY IF NOT EXISTS sluice_all ON sluice.judgements USING 1 TO sluice_all_teams;
CREATE ROW POLICY IF NOT EXISTS sluice_all ON sluice.observations_by_minute USING 1 TO sluice_all_teams;
CREATE ROW POLICY IF NOT EXISTS sluice_all ON sluice.shadow_measurements USING 1 TO sluice_all_teams;

-- One team: its own releases, their traffic and their judgements. Repeat for each team.
CREATE ROLE IF NOT EXISTS sluice_team_growth;
GRANT sluice_analyst TO sluice_team_growth;
CREATE ROW POLICY IF NOT EXISTS growth ON sluice.release_events USING team = 'growth' TO sluice_team_growth;
CREATE ROW POLICY IF NOT EXISTS growth ON sluice.observations
  USING notEmpty(release_id) AND (application, release_id) IN (SELECT application, release_id FROM sluice.release_events WHERE team = 'growth')
  TO sluice_team_growth;
CREATE ROW POLICY IF NOT EXISTS growth ON sluice.judgements
  USING (application, release_id) IN (SELECT application, release_id FROM sluice.release_events WHERE team = 'growth')
  TO sluice_team_growth;
CREATE ROW POLICY IF NOT EXISTS growth ON sluice.observations_by_minute
  USING notEmpty(release_id) AND (application, release_id) IN (SELECT application, release_id FROM sluice.release_events WHERE team = 'growth')
  TO sluice_team_growth;
CREATE ROW POLICY IF NOT EXISTS growth ON sluice.shadow_measurements
  USING (application, release_id) IN (SELECT application, release_id FROM sluice.release_events WHERE team = 'growth')
  TO sluice_team_growth;

-- The registry's own user writes and reads everything.
CREATE ROW POLICY IF NOT EXISTS sluice_registry ON sluice.release_events USING 1 TO sluice;
CREATE ROW POLICY IF NOT EXISTS sluice_registry ON sluice.observations USING 1 TO sluice;
CREATE ROW POLICY IF NOT EXISTS sluice_registry ON sluice.judgements USING 1 TO sluice;
CREATE ROW POLICY IF NOT EXISTS sluice_registry ON sluice.observations_by_minute USING 1 TO sluice;
CREATE ROW POLICY IF NOT EXISTS sluice_registry ON sluice.shadow_measurements USING 1 TO sluice;

-- Users' texts: no analyst reads them here. Those of the shadow the registry shows to operators, approvers and admins.
CREATE ROW POLICY IF NOT EXISTS sluice_registry ON sluice.observation_texts USING 1 TO sluice;
CREATE ROW POLICY IF NOT EXISTS sluice_registry ON sluice.shadow_pairs USING 1 TO sluice;
