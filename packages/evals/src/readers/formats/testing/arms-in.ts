import * as Effect from "effect/Effect";
import { readCaseFile } from "../../../adapters/read-case-file.ts";
import type { ArmResults } from "../../../domain/arm-results.ts";
import { bytesSource } from "../../byte-source.ts";
import type { CaseFormat } from "../../case-format.ts";

/** What an arm holds, by the three states of a case. */
export interface ArmCounts {
  readonly cases: number;
  readonly passed: number;
  readonly failed: number;
  readonly errors: number;
}

const countsOf = (arm: ArmResults): ArmCounts => {
  const clusters = [...arm.clusters.values()];
  const judged = clusters.filter(({ scored }) => scored > 0);
  const passed = judged.filter((cluster) =>
    cluster.verdicts > 0 ? cluster.passes / cluster.scored >= 0.5 : cluster.scoreSum / cluster.scored >= 0.5,
  ).length;
  return { cases: clusters.length, passed, failed: judged.length - passed, errors: clusters.length - judged.length };
};

export const armsIn = (content: string | Uint8Array, format: CaseFormat | "auto" = "auto") =>
  Effect.map(readCaseFile(bytesSource("file", Buffer.from(content)), { format }), ({ arms }) => arms);

/** Reads a file with its format told by its content, as the gate does. */
export const countsIn = (content: string | Uint8Array) =>
  Effect.map(armsIn(content), (arms) => Object.fromEntries([...arms].map(([name, arm]) => [name, countsOf(arm)])));

export const messageOf = (content: string | Uint8Array) =>
  Effect.map(Effect.flip(armsIn(content)), (error) => `${error.kind}: ${error.message}`);
