/** A text as an expression without quotes, because it stands in a text itself. */
const textOf = (value: string): string => `char(${[...Buffer.from(value, "utf8")].join(", ")})`;

/** On a cluster the rows of a table are in a local one. */
const textTables = ["observation_texts", "shadow_pairs"].flatMap((table) => [table, `${table}_local`]);

/** Users' texts are for roles that may read them: no analyst sees any. */
export const textsHidden = (database: string): string =>
  `{${textTables.map((table) => `'${database}.${table}': '0'`).join(", ")}}`;

/**
 * What each table shows to one team: its own releases, their traffic and their judgements. A table that is not here shows
 * nothing, so that a new one is closed until somebody has thought of it.
 */
export const teamFilters = (tables: ReadonlyArray<string>, database: string, team: string): string => {
  const own = `team = ${textOf(team)}`;
  const ofOwnRelease = `notEmpty(release_id) AND (application, release_id) IN (SELECT application, release_id FROM ${database}.release_events WHERE ${own})`;
  const filters: Readonly<Record<string, string>> = {
    release_events: own,
    observations: ofOwnRelease,
    observations_by_minute: ofOwnRelease,
    shadow_measurements: ofOwnRelease,
    judgements: ofOwnRelease,
  };
  const entries = tables.map((table) => `'${database}.${table}': '${filters[table] ?? "0"}'`);
  return `{${entries.join(", ")}}`;
};
