import { existsSync, readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { assert, describe, it } from "@effect/vitest";
import { randomSource } from "@sluice/statistics";
import * as Result from "effect/Result";
import { calibrateJudge, correctedPreference } from "./calibrate-judge.ts";
import { cohensKappa } from "./cohens-kappa.ts";
import { type LabelledPair, type Preference, preferences, readLabelledPairs } from "./labelled-pair.ts";

const pair = (human: Preference | null, judge: Preference | null, more: Partial<LabelledPair> = {}): LabelledPair => ({
  caseId: "c",
  human,
  judge,
  ...more,
});
const times = (count: number, one: LabelledPair) => Array.from({ length: count }, () => one);

describe("cohensKappa", () => {
  it("agrees with a textbook table", () => {
    // Cohen 1960's form for 2 × 2: p_o = .7, p_e = .5 → κ = .4; SE by a numeric delta method.
    const kappa = cohensKappa([
      [20, 5],
      [10, 15],
    ]);
    assert.closeTo(kappa?.value ?? 0, 0.4, 1e-12);
    assert.closeTo(kappa?.standardError ?? 0, 0.126996, 1e-6);
  });

  it("is 1 with certainty where the raters never differ, and null where chance says it all", () => {
    assert.deepInclude(
      cohensKappa([
        [7, 0],
        [0, 9],
      ]),
      { value: 1, standardError: 0 },
    );
    assert.isNull(
      cohensKappa([
        [5, 0],
        [0, 0],
      ]),
    );
    assert.isNull(
      cohensKappa([
        [0, 0],
        [0, 0],
      ]),
    );
  });

  it("has an interval that covers the truth as often as it says", () => {
    // Two raters who see the truth with probability .8 and else guess among 3 classes: κ = .8 · .8.
    const random = randomSource(12);
    const guess = () => Math.floor(random() * 3);
    let covered = 0;
    for (let run = 0; run < 400; run++) {
      const table = [0, 1, 2].map(() => [0, 0, 0]);
      for (let i = 0; i < 150; i++) {
        const truth = guess();
        const [a, b] = [random() < 0.8 ? truth : guess(), random() < 0.8 ? truth : guess()];
        const row = table[a];
        if (row) row[b] = (row[b] ?? 0) + 1;
      }
      const { low, high } = cohensKappa(table)?.interval ?? { low: 1, high: -1 };
      if (low <= 0.64 && 0.64 <= high) covered += 1;
    }
    // Binomial(400, .95): 4 standard deviations are 17.
    assert.isAtLeast(covered, 380 - 18);
  });
});

describe("calibrateJudge", () => {
  it("counts what it cannot use", () => {
    const { cases, excluded, n, agreement, kappa, bias } = calibrateJudge([
      pair(null, "tie"),
      pair("baseline", null),
      pair("tie", null),
    ]);
    assert.deepStrictEqual([cases, n, excluded], [3, 0, { unlabelled: 1, judgeErrors: 2 }]);
    assert.deepStrictEqual([agreement, kappa, bias], [null, null, null]);
  });

  it("tells a preference for a place by asking in both orders", () => {
    const lazy = times(20, pair("tie", "baseline", { judgeSwapped: "candidate" }));
    const { position } = calibrateJudge([
      ...lazy,
      ...times(10, pair("candidate", "candidate", { judgeSwapped: "candidate" })),
    ]);
    assert.strictEqual(position.wrongForFirst, 20);
    assert.deepInclude(position.swapped, { n: 30, flips: 20, firstPreferred: 20, secondPreferred: 0 });
    assert.isBelow(position.swapped?.pValue ?? 1, 1e-5);
    const fair = calibrateJudge(times(30, pair("candidate", "candidate", { judgeSwapped: "candidate" })));
    assert.deepInclude(fair.position.swapped, { flips: 0, pValue: 1 });
  });

  it("takes the bias out of what the judge says of other pairs", () => {
    // The judge says "candidate" for every second tie: it flatters the candidate by about .2.
    const random = randomSource(3);
    const draw = () => {
      const human = preferences[Math.floor(random() * 5)] ?? "tie";
      return { human, judge: human === "tie" && random() < 0.5 ? ("candidate" as const) : human };
    };
    const covered = Array.from({ length: 200 }, () => {
      const labelled = Array.from({ length: 150 }, draw).map(({ human, judge }) => pair(human, judge));
      const unseen = Array.from({ length: 1_000 }, draw).map(({ judge }) => judge);
      // In truth baseline and candidate are preferred equally often: 0.
      const { low, high } = correctedPreference(calibrateJudge(labelled), unseen)?.interval ?? { low: 1, high: 1 };
      return low <= 0 && 0 <= high;
    }).filter(Boolean).length;
    // Binomial(200, .95): 4 standard deviations are 12.3.
    assert.isAtLeast(covered, 177);
  });
});

describe("readLabelledPairs", () => {
  const line = (fields: object) =>
    JSON.stringify({ case_id: "a", human: ["old", "old", "new"], judge: { winner: "old" }, ...fields });

  it("takes people's majority from their labels", () => {
    const text = [
      line({}),
      line({ case_id: "b", human: ["old", "new", "tie"] }),
      "",
      line({ case_id: "c", human_majority: "new", judge: { winner: null, winner_swapped: "tie" } }),
    ].join("\n");
    assert.deepStrictEqual(
      readLabelledPairs(text),
      Result.succeed([
        { caseId: "a", human: "baseline", judge: "baseline" },
        { caseId: "b", human: null, judge: "baseline" },
        { caseId: "c", human: "candidate", judge: null, judgeSwapped: "tie" },
      ]),
    );
  });

  it.each([
    ["{", "line 1:"],
    [line({ human: ["nobody"] }), "nobody"],
    [line({ judge: { winner: "left" } }), 'field "judge"'],
    [`${line({})}\n${line({})}`, 'line 2: case_id "a" was there before'],
    [JSON.stringify({ case_id: "a", judge: { winner: "old" } }), "human_majority"],
    ["\n\n", "no labelled pairs"],
  ])("says what is wrong with %j", (text, words) => {
    const read = readLabelledPairs(text);
    assert.include(Result.isFailure(read) ? read.failure : "", words);
  });
});

const shared = new URL("../../../../../shared/data/", import.meta.url);

describe.skipIf(!existsSync(shared))(
  "on judges and people as they were recorded (recorded data, not part of the project)",
  () => {
    const folder = new URL("shadow/", shared);
    const expected: {
      shadow: Record<
        string,
        Record<"judge_vs_human" | "judge2_vs_human", { n: number; agreement: number; cohen_kappa: number }>
      >;
    } = existsSync(shared) ? JSON.parse(readFileSync(new URL("expected.json", shared), "utf8")) : { shadow: {} };
    const files = existsSync(folder) ? readdirSync(folder) : [];

    it.each(files)("%s has the agreement that was computed independently", (file) => {
      const text = gunzipSync(readFileSync(new URL(file, folder))).toString();
      for (const judge of ["judge", "judge2"] as const) {
        const calibration = calibrateJudge(Result.getOrThrow(readLabelledPairs(text, judge)));
        const wanted = expected.shadow[file.replace(".jsonl.gz", "")]?.[`${judge}_vs_human`];
        assert.strictEqual(calibration.n, wanted?.n);
        assert.closeTo(calibration.agreement?.value ?? 0, wanted?.agreement ?? 1, 5e-5);
        assert.closeTo(calibration.kappa?.value ?? 0, wanted?.cohen_kappa ?? 1, 5e-5);
      }
    });
  },
);
