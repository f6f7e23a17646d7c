import { describe, expect, it } from "vitest";
import { REDACTION_MARGIN, redacted, redactedCut, standardRedaction } from "./redaction.ts";

const secret = "sk-proj-abcdefghijklmnopqrstuvwxyz";
const LENGTH = 200;

describe("redactedCut", () => {
  it("leaves no part of a secret, wherever the cut falls", () => {
    for (const keep of ["start", "end"] as const) {
      for (let before = LENGTH - secret.length - 5; before < LENGTH + 5; before += 1) {
        const filler = "it is. ".repeat(100);
        // As many characters before the secret, seen from the side that is kept.
        const text =
          keep === "start"
            ? `${filler.slice(0, before)} ${secret} ${filler}`
            : `${filler} ${secret} ${filler.slice(0, before)}`;
        const shown = redactedCut(text, standardRedaction, LENGTH, keep);
        expect(shown.length).toBeLessThanOrEqual(LENGTH);
        // Letters of the filler and of the replacement, and none of the secret's own.
        expect(shown).toMatch(/^[its. [\]key]+$/);
      }
    }
  });

  it("does not show what lies beyond the cut where redaction shortens the text before it", () => {
    const many = `${secret} `.repeat(400);
    for (const keep of ["start", "end"] as const)
      expect(redactedCut(many, standardRedaction, LENGTH, keep)).toMatch(/^[ [\]key]+$/);
  });

  it("keeps the side asked for, and a short text as it is", () => {
    const text = `${"a".repeat(LENGTH)}${"-".repeat(2 * REDACTION_MARGIN)}${"z".repeat(LENGTH)}`;
    expect(redactedCut(text, standardRedaction, LENGTH)).toBe("a".repeat(LENGTH));
    expect(redactedCut(text, standardRedaction, LENGTH, "end")).toBe("z".repeat(LENGTH));
    expect(redactedCut("as it is", standardRedaction, LENGTH, "end")).toBe("as it is");
  });

  it("takes several rules in turn, each on what the one before left", () => {
    const rules = [
      { pattern: /b+/g, replacement: "$&" },
      { pattern: /a\$&c/g, replacement: "x" },
    ];
    expect(redacted("abbbc", rules)).toBe("x");
    expect(redactedCut(`${"-".repeat(10)}abbbc---`, rules, 12)).toBe("-".repeat(10));
  });
});
