interface Props {
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
  /** Left of it something is wrong; null where there is none. */
  readonly limit: number | null;
  readonly range: readonly [low: number, high: number];
  readonly isBreached: boolean;
}

const WIDTH = 220;
const HEIGHT = 22;

/** One estimate with its interval against 0 and a limit. The figures stand beside it in the table. */
export const IntervalPlot = ({ estimate, low, high, limit, range, isBreached }: Props) => {
  const [from, to] = range;
  const x = (value: number) => ((Math.min(to, Math.max(from, value)) - from) / (to - from)) * WIDTH;
  const middle = HEIGHT / 2;
  return (
    <svg
      class={`interval ${isBreached ? "interval-wrong" : ""}`}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      width={WIDTH}
      height={HEIGHT}
      aria-hidden="true"
    >
      <line class="interval-zero" x1={x(0)} x2={x(0)} y1={0} y2={HEIGHT} />
      {limit !== null && <line class="interval-limit" x1={x(limit)} x2={x(limit)} y1={1} y2={HEIGHT - 1} />}
      <line class="interval-line" x1={x(low)} x2={x(high)} y1={middle} y2={middle} />
      {isBreached ? (
        <rect class="interval-dot" x={x(estimate) - 4} y={middle - 4} width={8} height={8} />
      ) : (
        <circle class="interval-dot" cx={x(estimate)} cy={middle} r={4} />
      )}
    </svg>
  );
};
