import type { CliError } from "effect/cli/CliError";

/**
 * `--expires -1h` is a value that is wrong, and not the flags -1 and -h, which would print the help as if it had been asked
 * for: no flag begins with a digit.
 */
export const withValues = (args: ReadonlyArray<string>): ReadonlyArray<string> =>
  args.reduce<Array<string>>((joined, arg) => {
    const flag = joined.at(-1);
    if (/^-\d/u.test(arg) && flag?.startsWith("--") && flag !== "--" && !flag.includes("="))
      joined[joined.length - 1] = `${flag}=${arg}`;
    else joined.push(arg);
    return joined;
  }, []);

/** Words that may be left out, and so may be empty. */
const MAY_BE_EMPTY = new Set(["--description"]);

/** What is wrong with an argument of no length, which a script's unset variable leaves; null where there is none. */
export const emptyArgument = (args: ReadonlyArray<string>): string | null => {
  for (const [i, arg] of args.entries()) {
    const before = args[i - 1] ?? "";
    const flag = /^--[^=]+(?==$)/u.exec(arg)?.[0] ?? (arg === "" && before.startsWith("--") ? before : "an argument");
    if ((arg === "" || arg === `${flag}=`) && !MAY_BE_EMPTY.has(flag))
      return `${flag} is empty; give a value, or check the variable that it came from`;
  }
  return null;
};

const MAX_SHOWN = 100;

/** What a mistyped command line is answered with: one sentence with the flag, its value and what to give. */
export const invocationSentence = (error: CliError, commandPath: ReadonlyArray<string>): string => {
  const help = `see ${commandPath.join(" ")} --help`;
  if (error._tag === "InvalidValue") {
    const value = error.value.length > MAX_SHOWN ? `${error.value.slice(0, MAX_SHOWN)}…` : error.value;
    const where = error.kind === "flag" ? `--${error.option}` : error.option;
    return `${where} is ${value === "" ? "empty" : value}; give ${wanted(error.expected)}; ${help}`;
  }
  const [what = ""] = error.message.split("\n", 1);
  const [meant] = "suggestions" in error ? error.suggestions : [];
  return `${what.trim()}; ${meant === undefined ? "" : `perhaps ${meant} is meant; `}${help}`;
};

const wanted = (expected: string): string =>
  expected
    .replace(/^Schema validation failed: /u, "")
    .replace(/^Expected:? /u, "")
    .replace("a string representing a finite number", "a number")
    .replaceAll(/"([\w-]+)" \| /gu, "$1, ")
    .replace(/, "([\w-]+)"$/u, " or $1")
    .replaceAll(/\s+/gu, " ");
