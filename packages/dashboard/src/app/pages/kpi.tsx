import { useSignal } from "@preact/signals";
import type { KpiBody } from "@sluice/contracts";
import { columnTitle, groups, type KpiGroup, type KpiRow, type Of, viewOf, written } from "../domain/kpis.ts";
import { DataTable } from "../parts/data-table.tsx";
import { Failure, Loading, Nothing } from "../parts/notices.tsx";
import { useAnswer } from "../parts/use-answer.ts";
import { KpiTrend } from "../plots/kpi-trend.tsx";
import { askAsMe } from "../registry/session.ts";

/** The groups of KPIs with their trends, and beside each what it means and where it comes from. */
export const KpiPage = () => {
  const answer = useAnswer("kpi", () => askAsMe("getKpis"));
  const of = useSignal<Of>("application");
  const { value, failure } = answer.value;
  if (failure !== null) return <Failure sentence={failure} />;
  if (value === null) return <Loading />;
  return (
    <>
      <div class="page-head">
        <h1>KPIs</h1>
        <p class="muted">From the analysts’ table, which follows the record. Each row is a month or a quarter.</p>
        <fieldset class="choice">
          <legend>Figures of each</legend>
          {(["application", "team"] as const).map((one) => (
            <label key={one}>
              <input
                type="radio"
                name="of"
                checked={of.value === one}
                onChange={() => {
                  of.value = one;
                }}
              />{" "}
              {one}
            </label>
          ))}
        </fieldset>
      </div>
      {groups.map((group) => (
        <Group key={group.id} group={group} wanted={of.value} kpis={value} />
      ))}
    </>
  );
};

interface GroupProps {
  readonly group: KpiGroup;
  readonly wanted: Of;
  readonly kpis: typeof KpiBody.Type;
}

const Group = ({ group, wanted, kpis }: GroupProps) => {
  const { view, of } = viewOf(group, wanted);
  const rows = kpis[view] as ReadonlyArray<KpiRow>;
  const columns = Object.keys(rows[0] ?? {});
  return (
    <section class="panel" aria-labelledby={`kpi-${group.id}`}>
      <h2 id={`kpi-${group.id}`}>{group.title}</h2>
      <p class="definition">
        {group.definition}
        {of !== wanted && ` Told of each ${of} only.`}
      </p>
      {rows.length === 0 ? (
        <Nothing>{group.none}</Nothing>
      ) : (
        <>
          <KpiTrend group={group} of={of} rows={rows} />
          <DataTable
            caption={`${group.title}, of each ${of}`}
            captionHidden
            fileName={view}
            rows={rows}
            keyOf={(row, index) => `${index} ${String(row[of])}`}
            columns={columns.map((column) => ({
              title: columnTitle(column),
              numeric: rows.every((row) => typeof row[column] === "number" || row[column] === null),
              cell: (row: KpiRow) => <bdi>{written(column, row[column])}</bdi>,
              value: (row: KpiRow) => {
                const cell = row[column];
                return typeof cell === "object" ? JSON.stringify(cell) : cell;
              },
            }))}
          />
        </>
      )}
      <details>
        <summary>
          SQL of <code>{view}</code>
        </summary>
        <p>
          In ClickHouse, on the table <code>release_events</code>. This page asks <code>SELECT * FROM {view}</code>; a
          ClickHouse client can ask it at <code>/clickhouse</code> of this address.
        </p>
        {[view, ...(group.madeOf ?? [])].map((name) => (
          <pre key={name} class="json">
            {SQL_OF_VIEWS[name]}
          </pre>
        ))}
      </details>
    </section>
  );
};
