export type Cell = string | number | boolean | null | undefined;

/** RFC 4180. Text that a spreadsheet would take for a formula is disarmed by an apostrophe: it may come from anybody. */
export const csvOf = (header: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<Cell>>): string =>
  `${[header, ...rows].map((row) => row.map(field).join(",")).join("\r\n")}\r\n`;

const field = (cell: Cell): string => {
  if (cell === null || cell === undefined) return "";
  if (typeof cell !== "string") return String(cell);
  const safe = /^[=+\-@\t\r]/u.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/u.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};
