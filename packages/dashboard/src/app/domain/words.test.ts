import { describe, expect, it } from "vitest";
import { csvOf } from "./csv.ts";
import { decimal, duration, eValue, percent, pValue, shortDigest, signed } from "./words.ts";

describe("figures as people read them", () => {
  it.each([
    [0, "0 s"],
    [400, "0.4 s"],
    [59_999, "1 min"],
    [200_000, "3 min 20 s"],
    [3_600_000, "1 h"],
    [90_061_000, "1 d 1 h"],
    [-5, "0 s"],
  ])("%i ms is %s", (ms, text) => expect(duration(ms)).toBe(text));
  it.each([
    [percent(0.05), "5 %"],
    [percent(0.00126), "0.13 %"],
    [signed(-0.5), "−0.5"],
    [signed(0.25, percent), "+25 %"],
    [decimal(1_234.5), "1,235"],
    [pValue(1e-27), "< 0.0001"],
    [eValue(Math.log(100)), "100"],
    [eValue(700), "> 1,000,000"],
    [eValue(-20), "< 0.01"],
    [shortDigest(`sha256:${"ab".repeat(32)}`), "abababababab"],
  ])("%s", (written, expected) => expect(written).toBe(expected));
});

describe("CSV", () => {
  it("quotes what must be quoted, and disarms what a spreadsheet would run", () =>
    expect(
      csvOf(
        ["name", "n"],
        [
          ['a "b", c', 1],
          ["=HYPERLINK(1)", null],
          ["-1", -1],
          ["line\nbreak", true],
        ],
      ),
    ).toBe('name,n\r\n"a ""b"", c",1\r\n\'=HYPERLINK(1),\r\n\'-1,-1\r\n"line\nbreak",true\r\n'));
});
