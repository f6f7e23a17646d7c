/**
 * Lower tail of the sign-flip distribution of a sum: `tail(s)` is the share of all 2ⁿ sign patterns of `differences` whose
 * sum is at most s. Exact for any number of differences up to 40 by splitting them into two halves whose 2^(n/2) sums are
 * sorted and merged, where plain enumeration ends near 16. So the gate's p has no random part and replays to the same bytes.
 * Throws above 40 differences: a programmer error (the rule uses it below 30).
 */
export const signFlipLowerTail = (differences: ReadonlyArray<number>): ((sum: number) => number) => {
  const sizes = differences.map(Math.abs).filter((size) => size > 0);
  if (sizes.length > 40) throw new RangeError(`signFlipLowerTail: ${sizes.length} differences are more than 40`);
  const half = sizes.length >> 1;
  const left = sortedSums(sizes.slice(0, half));
  const right = sortedSums(sizes.slice(half));
  const patterns = 2 ** sizes.length;
  // Sums that are equal but for rounding are ties, and a tie counts as extreme.
  const slack = 1e-12 * sizes.reduce((total, size) => total + size, 0);
  return (sum) => {
    let hits = 0;
    let fits = right.length;
    for (const part of left) {
      while (fits > 0 && part + (right[fits - 1] as number) > sum + slack) fits--;
      hits += fits;
    }
    return hits / patterns;
  };
};

const sortedSums = (sizes: ReadonlyArray<number>): Float64Array => {
  let sums = new Float64Array([0]);
  for (const size of sizes) {
    const next = new Float64Array(sums.length * 2);
    sums.forEach((sum, i) => {
      next[2 * i] = sum - size;
      next[2 * i + 1] = sum + size;
    });
    sums = next;
  }
  return sums.sort();
};
