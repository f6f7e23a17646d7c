import * as Effect from "effect/Effect";

// A reader that has seen enough (`sluice kpi | head`) is no failure: there is nobody left to tell anything.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

/** Standard output carries the answer and nothing else; remarks go to standard error. */
export const print = (text: string) => Effect.sync(() => void process.stdout.write(`${text}\n`));
export const remark = (text: string) => Effect.sync(() => void process.stderr.write(`${text}\n`));

/** The machine-readable answer of a verb. */
export const printJson = (value: unknown) => print(JSON.stringify(value, null, 2));
