import type { KpiBody } from "@sluice/contracts";
import { decimal, duration, localDate, percent } from "./words.ts";

type View = keyof typeof KpiBody.Type;
export type KpiRow = Readonly<Record<string, string | number | boolean | null>>;

/** Whose figures a row tells. */
export type Of = "application" | "team";

export interface KpiGroup {
  readonly id: string;
  readonly title: string;
  readonly definition: string;
  /** What an empty view means. */
  readonly none: string;
  /** The views by whose figures they tell: some are told of one only. */
  readonly views: { readonly [O in Of]?: View };
  readonly period: "month" | "quarter";
  /** The columns whose trend is drawn. */
  readonly trend: ReadonlyArray<string>;
  /** Views that the view is made of. */
  readonly madeOf?: ReadonlyArray<string>;
}

/** The view that tells it of these, else the one that there is. */
export const viewOf = ({ views }: KpiGroup, wanted: Of): { readonly view: View; readonly of: Of } => {
  const other = wanted === "team" ? "application" : "team";
  const view = views[wanted];
  return view ? { view, of: wanted } : { view: views[other] ?? "kpi_overrides", of: other };
};

export const groups: ReadonlyArray<KpiGroup> = [
  {
    id: "lead-time",
    title: "Lead time",
    definition:
      "From the merge of the change (where that is not known, from the request) to 100 % of users, for releases completed in the month: median and 95th percentile, also without the policy’s minimum times and without manual pauses.",
    none: "No release has reached 100 % yet.",
    views: { application: "kpi_lead_time", team: "kpi_lead_time_by_team" },
    period: "month",
    trend: ["gross_p50_s", "gross_p95_s", "net_of_holds_p50_s"],
    madeOf: ["release_lead_times"],
  },
  {
    id: "overrides",
    title: "Overrides",
    definition:
      "How many of a team’s requested releases were forced past the offline gate, in the month of their request.",
    none: "No release has been requested yet.",
    views: { team: "kpi_overrides" },
    period: "month",
    trend: ["rate"],
  },
  {
    id: "rollbacks",
    title: "Automatic rollbacks",
    definition:
      "How many canaries were rolled back, and how long it took: from the first window that shows the breach to its detection, and until every gateway had confirmed the pin to the baseline.",
    none: "No release has reached the canary yet.",
    views: { application: "kpi_rollbacks", team: "kpi_rollbacks_by_team" },
    period: "month",
    trend: ["rate"],
  },
  {
    id: "regressions",
    title: "Regressions found in shadow",
    definition: "How the shadows that were decided in the quarter ended: each regression is one that no user met.",
    none: "No shadow has been decided yet.",
    views: { application: "kpi_shadow_regressions", team: "kpi_shadow_regressions_by_team" },
    period: "quarter",
    trend: ["regressed"],
  },
  {
    id: "gate-calibration",
    title: "Is the gate too strict?",
    definition:
      "How many of the releases that the offline gate blocked in the month reached all users later with the same bundle, by an override or by another attempt. A small rate says that the gate is right when it blocks; a high one, that it is too strict or that its cases do not show what users see.",
    none: "The gate has blocked no release yet.",
    views: { application: "kpi_gate_calibration" },
    period: "month",
    trend: ["rate"],
  },
  {
    id: "late-rollbacks",
    title: "Are the checks too loose?",
    definition:
      "How many of the bundles that reached all users in the month were rolled back by hand afterwards: what gate, shadow and canary together have missed, and how long it took somebody to see it.",
    none: "No bundle has reached 100 % yet.",
    views: { application: "kpi_late_rollbacks" },
    period: "month",
    trend: ["rate"],
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
  if (typeof value === "string" && /^\d{4}-\d\d-\d\d/u.test(value)) {
    if (column === "quarter") return `${value.slice(0, 4)} Q${Math.ceil(Number(value.slice(5, 7)) / 3)}`;
    return column === "month" ? value.slice(0, 7) : localDate(value);
  }
  return typeof value === "object" ? JSON.stringify(value) : String(value);
};

export interface Trend {
  readonly column: string;
  readonly periods: ReadonlyArray<string>;
  /** One line for each application or team. */
  readonly lines: ReadonlyArray<{ readonly name: string; readonly values: ReadonlyArray<number | null> }>;
}

/** One column over the periods. Rows that share name and period (finer splits) are not summed: the last one stands. */
export const trendOf = (period: KpiGroup["period"], of: Of, column: string, rows: ReadonlyArray<KpiRow>): Trend => {
  const periods = [...new Set(rows.map((row) => String(row[period])))].sort();
  const names = [...new Set(rows.map((row) => String(row[of])))].sort();
  return {
    column,
    periods,
    lines: names.map((name) => ({
      name,
      values: periods.map((at) => {
        const value = rows.findLast((row) => row[of] === name && String(row[period]) === at)?.[column];
        return typeof value === "number" ? value : null;
      }),
    })),
  };
};
