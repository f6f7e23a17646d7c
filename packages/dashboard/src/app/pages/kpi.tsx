import { columnTitle, groups, type KpiGroup, type KpiRow, written } from "../domain/kpis.ts";
import { DataTable } from "../parts/data-table.tsx";
import { Failure, Loading, Nothing } from "../parts/notices.tsx";
import { useAnswer } from "../parts/use-answer.ts";
import { KpiTrend } from "../plots/kpi-trend.tsx";
import { askAsMe } from "../registry/session.ts";

/** The four groups of KPIs with their trends, and beside each what it means and where it comes from. */
export const KpiPage = () => {
  const answer = useAnswer("kpi", () => askAsMe("getKpis"));
  const { value, failure } = answer.value;
  if (failure !== null) return <Failure sentence={failure} />;
  if (value === null) return <Loading />;
  return (
    <>
      <div class="page-head">
        <h1>KPIs</h1>
        <p class="muted">From the analysts’ table, which follows the record. Each row is a month or a quarter.</p>
      </div>
      {groups.map((group) => (
        <Group key={group.view} group={group} rows={(value[group.view] ?? []) as ReadonlyArray<KpiRow>} />
      ))}
    </>
  );
};

const Group = ({ group, rows }: { readonly group: KpiGroup; readonly rows: ReadonlyArray<KpiRow> }) => {
  const columns = Object.keys(rows[0] ?? {});
  return (
    <section class="panel" aria-labelledby={`kpi-${group.view}`}>
      <h2 id={`kpi-${group.view}`}>{group.title}</h2>
      <p class="definition">{group.definition}</p>
      {rows.length === 0 ? (
        <Nothing>{group.none}</Nothing>
      ) : (
        <>
          <KpiTrend group={group} rows={rows} />
          <DataTable
            caption={group.title}
            captionHidden
            fileName={group.view}
            rows={rows}
            keyOf={(row, index) => `${index} ${String(row[group.of])}`}
            columns={columns.map((column) => ({
              title: columnTitle(column),
              numeric: typeof rows[0]?.[column] === "number",
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
          SQL of <code>{group.view}</code>
        </summary>
        <p>
          In ClickHouse, on the table <code>release_events</code>. This page asks{" "}
          <code>SELECT * FROM {group.view}</code>.
        </p>
        {[group.view, ...(group.madeOf ?? [])].map((view) => (
          <pre key={view} class="json">
            {SQL_OF_VIEWS[view]}
          </pre>
        ))}
      </details>
    </section>
  );
};
