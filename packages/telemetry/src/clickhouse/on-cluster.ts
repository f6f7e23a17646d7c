/**
 * The same tables on a cluster: each becomes a replicated one on every shard (`…_local`) and a `Distributed` one under its own
 * name, so that every other statement stays as it is. Rows of one application live on one shard, because `FINAL` and the
 * window query look at one application at a time. `{shard}` and `{replica}` are the server's macros.
 */
export const onCluster = (statements: ReadonlyArray<string>, cluster: string): ReadonlyArray<string> => {
  const name = `'${cluster.replaceAll("'", "''")}'`;
  const tables = statements.flatMap((statement) => statement.match(CREATE_TABLE)?.[1] ?? []);
  return [
    ...statements.filter((statement) => !VIEW.test(statement)).map((statement) => localOf(statement, name)),
    // It holds no rows: made anew, it has every column that the local table has by now.
    ...tables.map(
      (table) =>
        `CREATE OR REPLACE TABLE ${table} ON CLUSTER ${name} AS ${table}_local
    ENGINE = Distributed(${name}, currentDatabase(), '${table}_local', cityHash64(application))`,
    ),
    ...statements
      .filter((statement) => VIEW.test(statement))
      .map((statement) => statement.replace(VIEW, `CREATE OR REPLACE VIEW $1 ON CLUSTER ${name} AS`)),
  ];
};

const CREATE_TABLE = /^CREATE TABLE IF NOT EXISTS (\w+)/;
const ALTER_TABLE = /^ALTER TABLE (\w+)/;
const VIEW = /^CREATE OR REPLACE VIEW (\w+) AS/;
const ENGINE = /ENGINE = (\w*MergeTree)(?:\(([^)]*)\))?/;

const localOf = (statement: string, cluster: string): string =>
  statement
    .replace(CREATE_TABLE, `CREATE TABLE IF NOT EXISTS $1_local ON CLUSTER ${cluster}`)
    .replace(ALTER_TABLE, `ALTER TABLE $1_local ON CLUSTER ${cluster}`)
    .replace(ENGINE, (_engine, family: string, version: string | undefined) => {
      const table = statement.match(CREATE_TABLE)?.[1] ?? "";
      const path = `'/clickhouse/tables/{shard}/{database}/${table}_local', '{replica}'`;
      return `ENGINE = Replicated${family}(${version ? `${path}, ${version}` : path})`;
    });
