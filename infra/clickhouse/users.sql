-- Users of Sluice's database in ClickHouse, for who runs a server. Set the passwords on the server, and not here:
--   ALTER USER sluice IDENTIFIED WITH sha256_password BY '…'
-- `sluice` is what registry and canary-controller are told by CLICKHOUSE_USER: it makes tables and writes.
CREATE USER IF NOT EXISTS sluice IDENTIFIED WITH no_password HOST LOCAL;
GRANT CREATE TABLE, CREATE VIEW, DROP TABLE, DROP VIEW, ALTER, SELECT, INSERT, TRUNCATE, OPTIMIZE ON sluice.* TO sluice;
GRANT CLUSTER ON *.* TO sluice;

-- Analysts read the documented tables and views, bounded: nothing that they ask can change or starve anything.
CREATE ROLE IF NOT EXISTS sluice_analyst;
GRANT SELECT ON sluice.* TO sluice_analyst;
CREATE SETTINGS PROFILE IF NOT EXISTS sluice_analyst
  SETTINGS readonly = 2, max_execution_time = 30 MAX 30, max_memory_usage = 4000000000 MAX 4000000000, max_result_rows = 1000000 MAX 1000000
  TO sluice_analyst;
