import { assert, describe, it } from "@effect/vitest";
import * as CliError from "effect/cli/CliError";
import { emptyArgument, invocationSentence, withValues } from "./invocation.ts";

describe("an argument of no length", () => {
  it.each([
    [["release", "watch", ""], "an argument is empty; give a value, or check the variable that it came from"],
    [["gate", "--pairs", ""], "--pairs is empty; give a value, or check the variable that it came from"],
    [["gate", "--pairs="], "--pairs is empty; give a value, or check the variable that it came from"],
    [["release", "request", "--description", "", "--wait=no"], null],
    [["release", "request", "--description=", "--link=a="], null],
    [["release", "pause", "rel-1", "--reason", " "], null],
  ] as const)("of %j", (args, sentence) => {
    assert.strictEqual(emptyArgument(args), sentence);
  });
});

it("a value may begin with a hyphen and a digit", () => {
  assert.deepStrictEqual(withValues(["--expires", "-1h", "--", "-1"]), ["--expires=-1h", "--", "-1"]);
});

describe("a command line that is wrong", () => {
  const path = ["sluice", "token", "create"];
  const value = (option: string, given: string, expected: string, kind: "flag" | "argument" = "flag") =>
    invocationSentence(new CliError.InvalidValue({ option, value: given, expected, kind }), path);

  it("is told what is wrong, the value, and what to give, in one sentence", () => {
    assert.strictEqual(
      value("port", "99999", "Schema validation failed: Expected a value between 0 and 65535"),
      "--port is 99999; give a value between 0 and 65535; see sluice token create --help",
    );
    assert.strictEqual(
      value("role", "boss", '"viewer" | "ci" | "admin"'),
      "--role is boss; give viewer, ci or admin; see sluice token create --help",
    );
    assert.strictEqual(
      value("release", "", "Expected an id", "argument"),
      "release is empty; give an id; see sluice token create --help",
    );
    assert.include(value("name", "x".repeat(5_000), "less"), `${"x".repeat(100)}…; give less`);
  });

  it("is told what it was meant to be, on the same line", () => {
    const error = new CliError.UnknownSubcommand({
      subcommand: "relase",
      parent: ["sluice"],
      suggestions: ["release"],
    });
    assert.strictEqual(
      invocationSentence(error, ["sluice"]),
      'Unknown subcommand "relase" for "sluice"; perhaps release is meant; see sluice --help',
    );
  });
});
