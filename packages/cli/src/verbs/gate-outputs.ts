import { writeFile } from "node:fs/promises";
import * as Effect from "effect/Effect";
import { type Exit, usageError } from "../exit.ts";
import type { Judged } from "./gate-judge.ts";

/** Writes the reports that were asked for, whatever the verdict: publish first, fail last. */
export const writeReports = Effect.fn("writeReports")(function* (
  judged: Judged,
  files: { readonly markdown: string | undefined; readonly junit: string | undefined },
): Effect.fn.Return<void, Exit> {
  if (files.markdown !== undefined) {
    const { markdownReport } = yield* Effect.promise(() => import("./gate-markdown.ts"));
    yield* write("--markdown", files.markdown, markdownReport(judged));
  }
  if (files.junit !== undefined) {
    const { junitReport } = yield* Effect.promise(() => import("./gate-junit.ts"));
    yield* write("--junit", files.junit, junitReport(judged));
  }
});

const write = (flag: string, file: string, text: string) =>
  Effect.tryPromise({
    try: (signal) => writeFile(file, text, { signal }),
    catch: (cause) => {
      const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown reason";
      return usageError(`${flag} ${file} cannot be written (${code}); name a file in a directory that exists`);
    },
  });
