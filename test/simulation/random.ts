/** A stream of random numbers from a seed (mulberry32): the same seed gives the same world on every machine. */
export interface Random {
  /** In [0, 1). */
  readonly unit: () => number;
  /** An integer from 0 to `maximum`, both included. */
  readonly upTo: (maximum: number) => number;
  readonly chance: (probability: number) => boolean;
  readonly oneOf: <A>(choices: readonly [A, ...ReadonlyArray<A>]) => A;
  /** A stream of its own: what one part of the world draws must not change what another one gets. */
  readonly fork: (name: string) => Random;
}

export const randomOf = (seed: number): Random => {
  let state = seed | 0;
  const unit = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const upTo = (maximum: number) => Math.floor(unit() * (maximum + 1));
  return {
    unit,
    upTo,
    chance: (probability) => unit() < probability,
    oneOf: (choices) => choices[upTo(choices.length - 1)] ?? choices[0],
    fork: (name) => randomOf([...name].reduce((hash, char) => Math.imul(hash ^ char.charCodeAt(0), 16_777_619), seed)),
  };
};
