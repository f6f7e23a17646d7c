import * as Effect from "effect/Effect";

/** Standard output carries the answer and nothing else; remarks go to standard error. */
export const print = (text: string) => Effect.sync(() => void process.stdout.write(`${text}\n`));
export const remark = (text: string) => Effect.sync(() => void process.stderr.write(`${text}\n`));

/** The machine-readable answer of a verb. */
export const printJson = (value: unknown) => print(JSON.stringify(value, null, 2));
