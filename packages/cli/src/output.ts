import * as Effect from "effect/Effect";
import { exitCodes } from "./exit.ts";
import { printable } from "./printable.ts";

// A reader that has seen enough (`sluice kpi | head`) is no failure: there is nobody left to tell anything.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(exitCodes.passed);
  say(`standard output cannot be written (${error.code}); make room, and look what was done before you ask again`);
  process.exit(exitCodes.internal);
});
// Where this one is full there is nobody left to tell.
process.stderr.on("error", () => {});

/** Whatever a line quotes, of a file or of a server, it is safe for a terminal by the time that it is written. */
const linesOf = (text: string): string => `${text.split("\n").map(printable).join("\n")}\n`;

/** Standard output carries the answer and nothing else; remarks go to standard error. */
export const print = (text: string) => Effect.sync(() => void process.stdout.write(linesOf(text)));
export const remark = (text: string) => Effect.sync(() => void process.stderr.write(linesOf(text)));

/** The sentence that a command ends with. */
export const say = (sentence: string): void => void process.stderr.write(linesOf(`sluice: ${sentence}`));

/** Text that colours or moves the cursor itself: what it quotes was made safe where it was put together. */
export const printScreen = (text: string) => Effect.sync(() => void process.stdout.write(`${text}\n`));

/** The machine-readable answer of a verb. */
export const printJson = (value: unknown) => printScreen(jsonOf(value, 2));
/** One of several answers: each has its line. */
export const printJsonLine = (value: unknown) => printScreen(jsonOf(value));

/** The same value to whoever parses it; nothing in it moves the cursor of whoever looks at it. */
const jsonOf = (value: unknown, indent = 0): string =>
  JSON.stringify(value, null, indent).replaceAll(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    [...Array(character.length).keys()]
      .map((i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`)
      .join(""),
  );
