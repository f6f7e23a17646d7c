import { assert, it } from "@effect/vitest";
import { LineSplitter } from "./line-splitter.ts";

const split = (chunks: ReadonlyArray<Uint8Array>, maxLineBytes = 100) => {
  const lines: Array<string> = [];
  const splitter = new LineSplitter(maxLineBytes, (text, line) => {
    lines.push(`${line}:${text}`);
    return undefined;
  });
  for (const chunk of chunks) {
    const problem = splitter.push(chunk);
    if (problem) return { lines, problem: problem.problem, line: splitter.line };
  }
  return { lines, problem: splitter.end()?.problem, line: splitter.line };
};

it("finds the same lines however the bytes are cut, also within a character", () => {
  const bytes = new TextEncoder().encode("α\n\nβγ\r\n  \nδ");
  for (let size = 1; size <= bytes.length; size++) {
    const chunks: Array<Uint8Array> = [];
    for (let i = 0; i < bytes.length; i += size) chunks.push(bytes.subarray(i, i + size));
    assert.deepStrictEqual(split(chunks).lines, ["1:α", "3:βγ\r", "5:δ"]);
  }
});

it("refuses a line that grows too long, in one chunk or in many", () => {
  const long = new Uint8Array(60).fill(97);
  assert.strictEqual(split([long, long]).problem, "is longer than 0 KiB");
  assert.strictEqual(split([new Uint8Array(120).fill(97)]).line, 1);
  assert.strictEqual(split([long, new Uint8Array([10]), long]).problem, undefined);
});

it("says which line is not UTF-8", () => {
  const { problem, line } = split([new Uint8Array([97, 10, 0xc3, 0x28, 10])]);
  assert.strictEqual(problem, "is not UTF-8");
  assert.strictEqual(line, 2);
});
