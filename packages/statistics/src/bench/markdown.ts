/** A Markdown table; cells as text. */
export const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

export const percent = (share: number, digits = 1): string => `${(100 * share).toFixed(digits)} %`;
export const times = (value: number): string => (Number.isFinite(value) ? value.toFixed(2) : "–");
