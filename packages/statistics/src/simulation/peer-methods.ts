import { kayentaEqual, kayentaUnequal, kayentaUnequalIncrease } from "./kayenta.ts";
import { fixedThresholds, growthbook, naivePeeking, pooledMsprt, pooledObrienFleming } from "./peers.ts";
import { sluice, sluiceByRequest, sluiceByRequestDeflated } from "./sluice.ts";
import type { Method } from "./watcher.ts";

/** All methods of the comparison, in the order of the table. Peers follow their published definitions, not their code. */
export const comparedMethods: ReadonlyArray<Method> = [
  sluice,
  sluiceByRequest,
  sluiceByRequestDeflated,
  naivePeeking,
  kayentaUnequal,
  kayentaUnequalIncrease,
  kayentaEqual,
  fixedThresholds,
  pooledObrienFleming,
  growthbook,
  pooledMsprt,
];
