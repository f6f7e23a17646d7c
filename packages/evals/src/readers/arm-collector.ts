import * as Result from "effect/Result";
import { ArmResults } from "../domain/arm-results.ts";
import type { Outcome } from "../domain/case-result.ts";
import type { Problem } from "./case-file-error.ts";
import type { ImportContext } from "./import-context.ts";
import type { Parsed } from "./parsed-file.ts";

export interface ImportedResult {
  readonly arm: string;
  readonly caseId: string;
  /** Left out where the format does not number repeats: then each further result of a case is its next repeat. */
  readonly repeat?: number | undefined;
  readonly slice?: string | undefined;
  readonly safety?: boolean | undefined;
  readonly outcome: Outcome;
  readonly input?: string | undefined;
  readonly output?: string | undefined;
}

/** Collects an importer's results by arm. */
export class ArmCollector {
  readonly #arms = new Map<string, ArmResults>();
  readonly #context: ImportContext;

  constructor(context: ImportContext) {
    this.#context = context;
  }

  has(arm: string, caseId: string): boolean {
    return this.#arms.get(arm)?.clusters.has(caseId) ?? false;
  }

  get size(): number {
    return Math.max(0, ...[...this.#arms.values()].map(({ clusters }) => clusters.size));
  }

  add(result: ImportedResult): Problem | undefined {
    const arm = this.#arms.get(result.arm) ?? new ArmResults(this.#context.wanted);
    this.#arms.set(result.arm, arm);
    const cluster = arm.clusters.get(result.caseId);
    const added = arm.add({
      caseId: result.caseId,
      repeat: result.repeat ?? (cluster ? cluster.scored + cluster.errors : 0),
      slice: result.slice,
      safety: result.safety,
      outcome: result.outcome,
      input: result.input,
      output: result.output,
    });
    return Result.isFailure(added) ? added.failure : undefined;
  }

  /** Adds all; stops at the first problem. */
  addAll(results: Iterable<Result.Result<ImportedResult, Problem>>): Parsed {
    for (const result of results) {
      if (Result.isFailure(result)) return Result.fail(result.failure);
      const problem = this.add(result.success);
      if (problem) return Result.fail(problem);
    }
    return this.finish();
  }

  finish(): Parsed {
    return Result.succeed({ arms: this.#arms });
  }
}
