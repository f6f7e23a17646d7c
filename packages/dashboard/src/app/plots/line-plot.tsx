import "uplot/dist/uPlot.min.css";
import { useEffect, useRef } from "preact/hooks";
import type uPlot from "uplot";
import { csvOf } from "../domain/csv.ts";
import { clockTime, localDate, localTime } from "../domain/words.ts";
import { download } from "../parts/download.ts";

export type SeriesKind = "baseline" | "candidate" | "evidence" | "limit" | "bound";

export interface PlotSeries {
  readonly label: string;
  readonly kind: SeriesKind;
  readonly values: ReadonlyArray<number | null>;
}
export interface PlotMark {
  readonly atMs: number;
  readonly label: string;
  readonly isBreach: boolean;
}

export interface LinePlotProps {
  readonly title: string;
  /** What there is to see, in a sentence: for those who do not see it, and a help for those who do. */
  readonly summary: string;
  /** Instants in milliseconds, or numbers of something; ascending. */
  readonly x: { readonly kind: "time" | "count"; readonly label: string; readonly values: ReadonlyArray<number> };
  /** Two series of kind `bound` (low, then high) are drawn as a band. */
  readonly series: ReadonlyArray<PlotSeries>;
  readonly marks?: ReadonlyArray<PlotMark>;
  readonly write: (value: number) => string;
  readonly fileName: string;
}

const HEIGHT = 190;
const DAY_SECONDS = 86_400;
/** A line of marks' labels above the plot. */
const LABEL_HEIGHT = 15;
/** Rows of the table under a plot; the CSV has all. */
const TABLE_ROWS = 200;

/** A plot over time, or over a growing count, with its legend, its table and its CSV. Arms differ by dash as well as by colour. */
export const LinePlot = (props: LinePlotProps) => {
  const { title, summary, x, series, marks = [], write, fileName } = props;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const shape = series.map(({ label, kind }) => `${kind} ${label}`).join("\n");

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    let isWanted = true;
    let draw = () => {};
    const width = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }));
    // Colours are read when the plot is made.
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const redraw = () => draw();
    // Only pages with plots load the library; where it does not start (it refuses odd system locales) the table is left.
    import("uplot").then(
      ({ default: Plot }) => {
        if (!isWanted) return;
        draw = () => {
          plot.current?.destroy();
          const options = optionsOf(() => latest.current, element.clientWidth);
          plot.current = new Plot(options, dataOf(latest.current), element);
        };
        draw();
        width.observe(element);
        scheme.addEventListener("change", redraw);
      },
      () => {
        element.textContent = "This browser cannot draw the plot; its table is below.";
      },
    );
    return () => {
      isWanted = false;
      width.disconnect();
      scheme.removeEventListener("change", redraw);
      plot.current?.destroy();
      plot.current = null;
    };
  }, [shape, x.kind]);
  useEffect(() => {
    plot.current?.setData(dataOf(latest.current));
  }, [x.values, series]);

  const isTime = x.kind === "time";
  const header = [x.label, ...series.map(({ label }) => label)];
  const rows = x.values.map((at, i) => [
    isTime ? new Date(at).toISOString() : at,
    ...series.map(({ values }) => values[i] ?? null),
  ]);
  const skipped = Math.max(0, x.values.length - TABLE_ROWS);
  return (
    <figure class="plot">
      <figcaption>
        <strong>{title}</strong>
        <span class="legend">
          {series
            // The band is one thing: its lower bound stands for both.
            .filter(({ kind }, i) => kind !== "bound" || series[i - 1]?.kind !== "bound")
            .map(({ label, kind }) => (
              <span key={label} class="legend-item">
                <span class={`swatch swatch-${kind}`} aria-hidden="true" />{" "}
                {kind === "bound" ? "confidence sequence" : label}
              </span>
            ))}
          {marks.some(({ isBreach }) => isBreach) && (
            <span class="legend-item">
              <span class="swatch swatch-breach" aria-hidden="true" /> breach
            </span>
          )}
        </span>
      </figcaption>
      <div ref={box} role="img" aria-label={`${title}. ${summary}`} />
      <p class="plot-summary">{summary}</p>
      <div class="plot-foot">
        <details>
          <summary>Table</summary>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
          <section class="scroll short" tabIndex={0} aria-label={`${title}, table`}>
            <table>
              <caption class="visually-hidden">{title}</caption>
              <thead>
                <tr>
                  {header.map((name) => (
                    <th key={name} scope="col" class="number">
                      {name}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {x.values.slice(skipped).map((at, i) => (
                  <tr key={at}>
                    <td class="number">{isTime ? localTime(at) : at}</td>
                    {series.map(({ label, values }) => {
                      const value = values[skipped + i];
                      return (
                        <td key={label} class="number">
                          {value === null || value === undefined ? "–" : write(value)}
                        </td>
                      );
                    })}
                  </tr>
                ))}
              </tbody>
            </table>
          </section>
        </details>
        <button
          type="button"
          class="plain small"
          onClick={() => download(`${fileName}.csv`, csvOf(header, rows), "text/csv")}
        >
          CSV<span class="visually-hidden"> of {title}</span>
        </button>
      </div>
    </figure>
  );
};

const dataOf = ({ x, series }: LinePlotProps): uPlot.AlignedData => [
  x.kind === "time" ? x.values.map((at) => at / 1_000) : [...x.values],
  ...series.map(({ values }) => [...values]),
];

const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const strokes: {
  readonly [K in SeriesKind]: { readonly colour: string; readonly dash?: Array<number>; readonly width: number };
} = {
  baseline: { colour: "--plot-baseline", dash: [6, 4], width: 2 },
  candidate: { colour: "--plot-candidate", width: 2 },
  evidence: { colour: "--plot-candidate", width: 2 },
  limit: { colour: "--plot-limit", dash: [2, 3], width: 2 },
  bound: { colour: "--plot-bound", width: 1 },
};

const optionsOf = (props: () => LinePlotProps, width: number): uPlot.Options => {
  const { series, write, x } = props();
  const isTime = x.kind === "time";
  const ink = colour("--ink-muted");
  const grid = { stroke: colour("--line"), width: 1 };
  const font = `12px ${colour("--font") || "sans-serif"}`;
  const bounds = series.flatMap(({ kind }, i) => (kind === "bound" ? [i + 1] : []));
  const [low, high] = bounds;
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    // The library stretches a single point over a thousand days.
    scales: { x: { time: isTime, range: (_, low, high) => spread(low, isSingle(props()) ? low : high, props()) } },
    padding: [() => roomOfMarks(props().marks ?? []), null, null, null],
    axes: [
      {
        stroke: ink,
        grid,
        ticks: grid,
        font,
        space: 76,
        values: (_, splits, __, ___, apart) =>
          splits.map((at) => (isTime ? (apart < DAY_SECONDS ? clockTime : localDate)(at * 1_000) : String(at))),
      },
      {
        stroke: ink,
        grid,
        ticks: grid,
        font,
        size: 72,
        values: (_, splits) => splits.map((y) => (y === null ? "" : write(y))),
      },
    ],
    series: [
      {},
      ...series.map(({ label, kind, values }) => {
        const { colour: name, dash, width: lineWidth } = strokes[kind];
        return {
          label,
          stroke: colour(name),
          width: lineWidth,
          ...(dash && { dash }),
          spanGaps: true,
          points: { show: kind !== "bound" && kind !== "limit" && values.length < 40, size: 5, fill: colour(name) },
        };
      }),
    ],
    ...(low !== undefined && high !== undefined && { bands: [{ series: [high, low], fill: colour("--plot-band") }] }),
    hooks: { draw: [(plot) => drawMarks(plot, props().marks ?? [])] },
  };
};

/** A single point has a surrounding of its own: half a minute, or one. A breach is said after its last window began. */
const spread = (
  low: number | null,
  high: number | null,
  { x, marks = [] }: LinePlotProps,
): [number | null, number | null] => {
  if (low === null || high === null) return [low, high];
  const end = Math.max(high, ...marks.filter(({ isBreach }) => isBreach).map(({ atMs }) => atMs / 1_000));
  const around = x.kind === "time" ? 30 : 1;
  return low === end ? [low - around, low + around] : [low, end];
};
const isSingle = ({ x }: LinePlotProps): boolean => x.values.length === 1;

/** Labels stand above the plot, where no line runs through them: shares in one line, breaches over them. */
const roomOfMarks = (marks: ReadonlyArray<PlotMark>): number =>
  marks.length === 0 ? 8 : LABEL_HEIGHT * (marks.some(({ isBreach }) => isBreach) ? 2 : 1);

/** Share steps as thin lines with their share, a breach as a thick one. */
const drawMarks = (plot: uPlot, marks: ReadonlyArray<PlotMark>): void => {
  const { ctx, bbox } = plot;
  const scale = devicePixelRatio;
  ctx.save();
  ctx.font = `${11 * scale}px sans-serif`;
  ctx.textBaseline = "top";
  for (const { atMs, label, isBreach } of marks) {
    const x = plot.valToPos(atMs / 1_000, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.strokeStyle = ctx.fillStyle = colour(isBreach ? "--wrong" : "--ink-muted");
    ctx.lineWidth = (isBreach ? 3 : 1) * scale;
    ctx.setLineDash([]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const room = bbox.left + bbox.width - x;
    const size = ctx.measureText(label).width + 8 * scale;
    ctx.textAlign = room < size ? "right" : "left";
    ctx.fillText(label, x + (room < size ? -4 : 4) * scale, bbox.top - LABEL_HEIGHT * (isBreach ? 2 : 1) * scale);
  }
  ctx.restore();
};
