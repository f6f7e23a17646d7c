import { KpiBody } from "@sluice/contracts";
import * as Command from "effect/cli/Command";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import { json, url } from "../flags.ts";
import { print, printJson } from "../output.ts";
import { registryAddress } from "../registry-client.ts";
import { readRegistry } from "./release-read.ts";

type Row = { readonly [column: string]: unknown };

export const kpiCommand = Command.make("kpi", { url, json }, (flags) =>
  Effect.gen(function* () {
    const kpis = yield* readRegistry(registryAddress(Option.getOrUndefined(flags.url)), "/v1/kpi", KpiBody);
    if (flags.json) return yield* printJson(kpis);
    for (const [view, rows] of Object.entries(kpis)) {
      yield* print(view);
      for (const line of table(rows)) yield* print(`  ${line}`);
    }
  }),
).pipe(Command.withDescription("Lead time, overrides, rollbacks, regressions found in shadow"));

const shown = (value: unknown): string =>
  typeof value === "number" && !Number.isInteger(value) ? value.toFixed(3) : String(value ?? "–");

/** Columns as wide as their widest value. */
export const table = (rows: ReadonlyArray<Row>): ReadonlyArray<string> => {
  const columns = Object.keys(rows[0] ?? {});
  if (columns.length === 0) return ["(nothing yet)"];
  const widths = columns.map((column) => Math.max(column.length, ...rows.map((row) => shown(row[column]).length)));
  const line = (cells: ReadonlyArray<string>) => cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  ");
  return [line(columns), ...rows.map((row) => line(columns.map((column) => shown(row[column]))))];
};
