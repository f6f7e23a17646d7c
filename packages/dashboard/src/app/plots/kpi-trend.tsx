import { columnTitle, type KpiGroup, type KpiRow, type Of, trendOf, written } from "../domain/kpis.ts";

const BAR_WIDTH = 10;
const HEIGHT = 36;

/** Small bars over the periods, a row for each application or team. Their figures are in the table below. */
export const KpiTrend = ({
  group,
  of,
  rows,
}: {
  readonly group: KpiGroup;
  readonly of: Of;
  readonly rows: ReadonlyArray<KpiRow>;
}) => (
  <div class="trends">
    {group.trend.map((column) => {
      const trend = trendOf(group.period, of, column, rows);
      const highest = Math.max(...trend.lines.flatMap(({ values }) => values.map((value) => value ?? 0)), 1e-9);
      return (
        <section key={column} class="trend" aria-label={`${group.title}, ${columnTitle(column)}`}>
          <h3>{columnTitle(column)}</h3>
          <ul>
            {trend.lines.map(({ name, values }) => {
              const last = values.findLast((value) => value !== null) ?? null;
              return (
                <li key={name}>
                  <bdi class="break">{name}</bdi>
                  <svg
                    viewBox={`0 0 ${Math.max(1, values.length) * (BAR_WIDTH + 3)} ${HEIGHT}`}
                    height={HEIGHT}
                    preserveAspectRatio="xMaxYMid meet"
                    aria-hidden="true"
                  >
                    <line
                      class="interval-zero"
                      x1={0}
                      x2={values.length * (BAR_WIDTH + 3)}
                      y1={HEIGHT - 0.5}
                      y2={HEIGHT - 0.5}
                    />
                    {values.map((value, i) => {
                      const height = value === null ? 0 : Math.max(1.5, (value / highest) * (HEIGHT - 3));
                      return (
                        <rect
                          key={trend.periods[i]}
                          class="bar"
                          x={i * (BAR_WIDTH + 3)}
                          y={HEIGHT - 1 - height}
                          width={BAR_WIDTH}
                          height={height}
                        />
                      );
                    })}
                  </svg>
                  <span class="number">{written(column, last)}</span>
                </li>
              );
            })}
          </ul>
          <p class="muted">
            {written(group.period, trend.periods[0])}
            {trend.periods.length > 1 && ` to ${written(group.period, trend.periods.at(-1))}`}; the figure is the last
            one.
          </p>
        </section>
      );
    })}
  </div>
);
