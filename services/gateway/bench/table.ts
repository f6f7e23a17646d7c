export const quantile = (values: ReadonlyArray<number>, q: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))] ?? Number.NaN;

export const median = (values: ReadonlyArray<number>): number => quantile(values, 0.5);

interface Target {
  readonly text: string;
  readonly isMet: (value: number) => boolean;
}

/** A figure, and the 95 % interval of it. */
export interface Figure {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}
export const atMost = (limit: number): Target => ({ text: `≤ ${limit}`, isMet: (value) => value <= limit });
export const atLeast = (limit: number): Target => ({ text: `≥ ${limit}`, isMet: (value) => value >= limit });

/** Figures with their targets and marks. What a missing peer would have told is "not run". */
export class Table {
  readonly #rows: Array<readonly [string, string, string, string, string]> = [];

  add(setting: string, what: string, value: number, target: Target): void {
    const isThere = Number.isFinite(value);
    const mark = !isThere ? "not run" : target.isMet(value) ? "met" : "MISSED";
    this.#rows.push([setting, what, isThere ? value.toFixed(value >= 10 ? 1 : 3) : "–", target.text, mark]);
  }

  /** A figure that swings: it is met or missed only where its whole interval is. */
  addWithin(setting: string, what: string, { value, low, high }: Figure, target: Target): void {
    const met = [low, high].filter(target.isMet).length;
    const mark = met === 2 ? "met" : met === 0 ? "MISSED" : "not shown";
    const text = `${value.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]`;
    this.#rows.push([setting, what, text, target.text, mark]);
  }

  print(): void {
    const row = (cells: ReadonlyArray<string>) => console.log(`| ${cells.join(" | ")} |`);
    console.log();
    row(["setting", "figure", "measured", "target", ""]);
    row(["---", "---", "---", "---", "---"]);
    for (const cells of this.#rows) row(cells);
  }
}
