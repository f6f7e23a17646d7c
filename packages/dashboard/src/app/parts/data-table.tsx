import type { ComponentChildren } from "preact";
import { type Cell, csvOf } from "../domain/csv.ts";
import { download } from "./download.ts";

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => ComponentChildren;
  /** What the CSV has in this column; a column without it is not in the CSV. */
  readonly value?: (row: Row) => Cell;
  readonly numeric?: boolean;
}

interface Props<Row> {
  readonly caption: string;
  readonly columns: ReadonlyArray<Column<Row>>;
  readonly rows: ReadonlyArray<Row>;
  readonly keyOf: (row: Row, index: number) => string;
  readonly fileName?: string;
  /** Marks a row that somebody has to look at. */
  readonly isMarked?: (row: Row) => boolean;
  /** The heading above says the same: the caption is then for screen readers only. */
  readonly captionHidden?: boolean;
}

/** A table that scrolls within itself where the screen is narrow, with its CSV. */
export const DataTable = <Row,>({ caption, columns, rows, keyOf, fileName, isMarked, captionHidden }: Props<Row>) => (
  <div class="table-box">
    <div class="table-head">
      {/* Outside of what scrolls, so that it breaks where the screen ends. The table's own is for screen readers. */}
      <p class="caption" aria-hidden="true">
        {!captionHidden && caption}
      </p>
      {fileName !== undefined && (
        <button
          type="button"
          class="plain small"
          onClick={() => download(`${fileName}.csv`, toCsv(columns, rows), "text/csv")}
        >
          CSV<span class="visually-hidden"> of {caption}</span>
        </button>
      )}
    </div>
    {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
    <section class="scroll" tabIndex={0} aria-label={caption}>
      <table>
        <caption class="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ title, numeric }) => (
              <th key={title} scope="col" class={numeric ? "number" : undefined}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={keyOf(row, index)} class={isMarked?.(row) ? "marked" : undefined}>
              {columns.map(({ title, cell, numeric }) => (
                <td key={title} class={numeric ? "number" : undefined}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  </div>
);

const toCsv = <Row,>(columns: ReadonlyArray<Column<Row>>, rows: ReadonlyArray<Row>): string => {
  const valued = columns.flatMap(({ title, value }) => (value ? [{ title, value }] : []));
  return csvOf(
    valued.map(({ title }) => title),
    rows.map((row) => valued.map(({ value }) => value(row))),
  );
};
