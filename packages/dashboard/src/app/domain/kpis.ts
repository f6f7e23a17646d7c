import type { KpiBody } from "@sluice/contracts";
import { decimal, duration, localDate, percent } from "./words.ts";

type View = keyof typeof KpiBody.Type;
export type KpiRow = Readonly<Record<string, string | number | boolean | null>>;

export interface KpiGroup {
  readonly view: View;
  readonly title: string;
  readonly definition: string;
  /** What an empty view means. */
  readonly none: string;
  /** The column that tells rows of one period apart, and the column of the period. */
  readonly of: string;
  readonly period: string;
  /** The columns whose trend is drawn. */
  readonly trend: ReadonlyArray<string>;
  /** Views that the view is made of. */
  readonly madeOf?: ReadonlyArray<string>;
}

export const groups: ReadonlyArray<KpiGroup> = [
  {
    view: "kpi_lead_time",
    title: "Lead time",
    definition:
      "From the merge of the change (where that is not known, from the request) to 100 % of users, for releases completed in the month: median and 95th percentile, also without the policy’s minimum times and without manual pauses.",
    none: "No release has reached 100 % yet.",
    of: "application",
    period: "month",
    trend: ["gross_p50_s", "gross_p95_s"],
    madeOf: ["release_lead_times"],
  },
  {
    view: "kpi_overrides",
    title: "Overrides",
    definition:
      "How many of a team’s requested releases were forced past the offline gate, in the month of their request.",
    none: "No release has been requested yet.",
    of: "team",
    period: "month",
    trend: ["rate"],
  },
  {
    view: "kpi_rollbacks",
    title: "Automatic rollbacks",
    definition:
      "How many canaries were rolled back, and how long it took: from the first window that shows the breach to its detection, and until every gateway had confirmed the pin to the baseline.",
    none: "No release has reached the canary yet.",
    of: "application",
    period: "month",
    trend: ["rate"],
  },
  {
    view: "kpi_shadow_regressions",
    title: "Regressions found in shadow",
    definition: "How the shadows that were decided in the quarter ended: each regression is one that no user met.",
    none: "No shadow has been decided yet.",
    of: "application",
    period: "quarter",
    trend: ["regressed"],
  },
];

/** `gross_p50_s` is `gross p50`; the unit is with the value. */
export const columnTitle = (column: string): string => column.replace(/_s$/u, "").replaceAll("_", " ");

export const written = (column: string, value: unknown): string => {
  if (value === null || value === undefined) return "–";
  if (typeof value === "number") {
    if (column.endsWith("_s")) return duration(value * 1_000);
    return column === "rate" || column.endsWith("_rate") ? percent(value) : decimal(value);
  }
  if (typeof value === "string" && /^\d{4}-\d\d-\d\d/u.test(value))
    return column === "month" || column === "quarter" ? value.slice(0, 7) : localDate(value);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
};

export interface Trend {
  readonly column: string;
  readonly periods: ReadonlyArray<string>;
  /** One line for each application or team. */
  readonly lines: ReadonlyArray<{ readonly name: string; readonly values: ReadonlyArray<number | null> }>;
}

/** One column over the periods. Rows that share name and period (finer splits) are not summed: the last one stands. */
export const trendOf = (group: KpiGroup, column: string, rows: ReadonlyArray<KpiRow>): Trend => {
  const periods = [...new Set(rows.map((row) => String(row[group.period])))].sort();
  const names = [...new Set(rows.map((row) => String(row[group.of])))].sort();
  return {
    column,
    periods,
    lines: names.map((name) => ({
      name,
      values: periods.map((period) => {
        const value = rows.findLast((row) => row[group.of] === name && String(row[group.period]) === period)?.[column];
        return typeof value === "number" ? value : null;
      }),
    })),
  };
};
