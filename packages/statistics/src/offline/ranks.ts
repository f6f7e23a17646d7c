/** Mid-ranks (1-based; ties share the mean of their ranks) and Σ(t³ − t) over the groups of ties. */
export const midRanks = (
  values: ReadonlyArray<number>,
): { readonly ranks: ReadonlyArray<number>; readonly tieSum: number } => {
  const order = values.map((_, i) => i).sort((i, j) => (values[i] as number) - (values[j] as number));
  const ranks = new Array<number>(values.length);
  let tieSum = 0;
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && values[order[end] as number] === values[order[start] as number]) end++;
    const ties = end - start;
    for (let i = start; i < end; i++) ranks[order[i] as number] = (start + 1 + end) / 2;
    tieSum += ties * ties * ties - ties;
    start = end;
  }
  return { ranks, tieSum };
};

/** The p-value of a discrete statistic: `probabilities[v]` = P(V = v), observed at index `at`. */
export const discretePValue = (
  probabilities: Float64Array,
  at: number,
  alternative: "two-sided" | "less" | "greater",
): number => {
  let below = 0;
  let above = 0;
  for (let v = 0; v <= at; v++) below += probabilities[v] ?? 0;
  for (let v = probabilities.length - 1; v >= at; v--) above += probabilities[v] ?? 0;
  if (alternative === "less") return Math.min(1, below);
  if (alternative === "greater") return Math.min(1, above);
  return Math.min(1, 2 * Math.min(below, above));
};
