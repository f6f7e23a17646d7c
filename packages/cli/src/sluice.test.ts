import { assert, it } from "@effect/vitest";
import type * as Command from "effect/cli/Command";
import * as Effect from "effect/Effect";
import { vi } from "vitest";
import { commandLine } from "./command-line.ts";
import { sluice } from "./sluice.ts";

const verbsOf = (command: Command.Command.Any, path: ReadonlyArray<string>): ReadonlyArray<ReadonlyArray<string>> => {
  const inner = command.subcommands.flatMap(({ commands }) => commands);
  return inner.length === 0 ? [path] : inner.flatMap((one) => verbsOf(one, [...path, one.name]));
};

const verbs = verbsOf(sluice, []);

it("the command line has its verbs", () => assert.isAbove(verbs.length, 30));

it.each(verbs.map((path) => [path.join(" "), path] as const))("%s answers as JSON, too", async (_name, path) => {
  let help = "";
  const stdout = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    help += String(text);
    return true;
  });
  const log = vi.spyOn(console, "log").mockImplementation((text) => {
    help += String(text);
  });
  await Effect.runPromise(Effect.exit(commandLine([...path, "--help"])));
  stdout.mockRestore();
  log.mockRestore();
  assert.match(help, /--json/);
});
