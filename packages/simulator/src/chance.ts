import { createHash } from "node:crypto";

/** A number in [0, 1) that depends on its parts alone: the same request meets the same fate in every run. */
export const chance = (...parts: ReadonlyArray<string | number>): number =>
  createHash("sha256").update(parts.join("\n")).digest().readUIntBE(0, 6) / 2 ** 48;

/** A standard normal deviate from two chances (Box–Muller). */
export const normal = (...parts: ReadonlyArray<string | number>): number =>
  Math.sqrt(-2 * Math.log(1 - chance("radius", ...parts))) * Math.cos(2 * Math.PI * chance("angle", ...parts));
