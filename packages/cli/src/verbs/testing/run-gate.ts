import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as NodeServices from "@effect/platform-node/NodeServices";
import { afterEach, beforeEach, vi } from "@effect/vitest";
import * as Command from "effect/cli/Command";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { Exit } from "../../exit.ts";
import { gateCommand } from "../gate.ts";

export const folder = mkdtempSync(join(tmpdir(), "sluice-gate-"));
export const path = (name: string) => join(folder, name);
export const write = (name: string, content: string | Uint8Array) => {
  writeFileSync(path(name), content);
  return path(name);
};

let printed = "";
let remarked = "";

/** Keeps what the verb prints, for the tests of the file that calls it. */
export const captureOutput = () => {
  beforeEach(() => {
    printed = "";
    remarked = "";
    // The tests may themselves run in a workflow.
    vi.stubEnv("GITHUB_ACTIONS", "");
    vi.spyOn(process.stderr, "write").mockImplementation((text) => {
      remarked += String(text);
      return true;
    });
    vi.spyOn(process.stdout, "write").mockImplementation((text) => {
      printed += String(text);
      return true;
    });
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
  });
};

/** Runs the verb as `main` does: its exit code, its sentence on standard error, what it printed and what it remarked. */
export const gate = (...args: ReadonlyArray<string>) =>
  Command.runWith(gateCommand, { version: "0.0.0" })(args).pipe(
    Effect.provide(NodeServices.layer),
    Effect.result,
    Effect.map((result) => {
      if (Result.isSuccess(result)) return { code: 0, sentence: null, printed, remarked };
      const { failure } = result;
      return failure instanceof Exit
        ? { code: failure.code, sentence: failure.sentence, printed, remarked }
        : { code: "usage of effect/cli", sentence: null, printed, remarked };
    }),
  );

/** `count` results as JSONL. */
export const lines = (count: number, fields: (index: number) => object) =>
  Array.from({ length: count }, (_, i) => JSON.stringify({ case_id: `case-${i}`, ...fields(i) })).join("\n");

const score = (passes: boolean) => (passes ? 1 : 0);
const slice = (i: number) => (i % 2 ? "odd" : "even");

export const baseline = write(
  "baseline.jsonl",
  lines(60, (i) => ({ slice: slice(i), score: score(i % 5 !== 0) })),
);
export const worse = write(
  "worse.jsonl",
  lines(60, (i) => ({ slice: slice(i), score: score(i % 5 !== 0 && i % 4 !== 1) })),
);
export const few = write(
  "few.jsonl",
  lines(3, () => ({ score: 1 })),
);
