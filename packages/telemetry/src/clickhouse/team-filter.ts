/** A text as an expression without quotes, because it stands in a text itself. */
const textOf = (value: string): string => `char(${[...Buffer.from(value, "utf8")].join(", ")})`;

/** Texts of the shadow are shown by the registry, to roles that may read them: to no analyst. */
export const textsHidden = (database: string): string => `{'${database}.shadow_pairs': '0'}`;

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
