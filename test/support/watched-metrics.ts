import { readFileSync } from "node:fs";
import { parse } from "yaml";

const infra = (path: string) => readFileSync(new URL(`../../infra/${path}`, import.meta.url), "utf8");

export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly summary: string };
}

export const alerts = (): ReadonlyArray<Alert> =>
  parse(infra("prometheus/alerts.yml")).groups.flatMap(({ rules }: { rules: ReadonlyArray<Alert> }) => rules);

interface Panel {
  readonly title: string;
  readonly targets: ReadonlyArray<{ readonly expr: string }>;
}

const panels = (): ReadonlyArray<Panel> => JSON.parse(infra("grafana/dashboards/sluice.json")).panels;

const metricsIn = (expressions: ReadonlyArray<string>): ReadonlyArray<string> =>
  [...new Set(expressions.flatMap((expression) => expression.match(/\bsluice_\w+/g) ?? []))].sort();

/** Every metric of ours that an alert waits for: it must be told before anything happens, or its rise is not seen. */
export const alertedMetrics = (): ReadonlyArray<string> => metricsIn(alerts().map(({ expr }) => expr));

/** Those of the dashboard too. */
export const watchedMetrics = (): ReadonlyArray<string> =>
  metricsIn([
    ...alerts().map(({ expr }) => expr),
    ...panels().flatMap(({ targets }) => targets.map(({ expr }) => expr)),
  ]);
