import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as NodeServices from "@effect/platform-node/NodeServices";
import { assert, describe, it } from "@effect/vitest";
import { digestOf, JudgeCalibrationRecord, Policy } from "@sluice/contracts";
import * as Command from "effect/cli/Command";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { afterAll, afterEach, beforeEach, vi } from "vitest";
import { Exit } from "../exit.ts";
import { judgeCommand } from "./judge-calibrate.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-judge-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let printed = "";
beforeEach(() => {
  printed = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
});
afterEach(() => vi.restoreAllMocks());

const calibrate = (...args: ReadonlyArray<string>) =>
  Command.runWith(judgeCommand, { version: "0.0.0" })(["calibrate", ...args]).pipe(
    Effect.provide(NodeServices.layer),
    Effect.result,
    Effect.map((result) => {
      if (Result.isSuccess(result)) return { code: 0, sentence: null, answer: printed };
      const { failure } = result;
      assert.instanceOf(failure, Exit);
      return { code: failure.code, sentence: failure.sentence, answer: printed };
    }),
  );

const write = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const lines = (rows: ReadonlyArray<object>) => rows.map((row) => JSON.stringify(row)).join("\n");

/** Agreement and κ from the definitions, by counting. */
const counted = (pairs: ReadonlyArray<readonly [human: string, judge: string]>) => {
  const n = pairs.length;
  const share = (of: (pair: readonly [string, string]) => boolean) => pairs.filter(of).length / n;
  const observed = share(([human, judge]) => human === judge);
  const chance = ["old", "new", "tie"].reduce(
    (sum, name) => sum + share(([human]) => human === name) * share(([, judge]) => judge === name),
    0,
  );
  return { n, agreement: observed, kappa: (observed - chance) / (1 - chance) };
};

const names = ["old", "new", "tie"] as const;
const simulated = (count: number) => {
  // A linear congruential generator (Numerical Recipes), so that the rows are the same everywhere.
  let state = 7;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const draw = () => names[Math.floor(random() * 3)] ?? "tie";
  return Array.from({ length: count }, (_, i) => {
    const truth = draw();
    const judge = i % 20 === 0 ? null : random() < 0.6 ? truth : draw();
    return { case_id: `c${i}`, truth, human: [truth, truth, draw()], judge: { winner: judge, winner_swapped: judge } };
  });
};

describe("sluice judge calibrate", () => {
  it.effect("prints agreement and kappa as they are counted by hand", () =>
    Effect.gen(function* () {
      const rows = simulated(200);
      const { code, answer } = yield* calibrate(write("simulated.jsonl", lines(rows)), "--json");
      assert.strictEqual(code, 0);
      const result = JSON.parse(answer);
      const wanted = counted(
        rows.flatMap(({ truth, judge }) => (judge.winner === null ? [] : [[truth, judge.winner] as const])),
      );
      assert.strictEqual(result.n, wanted.n);
      assert.strictEqual(result.excluded.judgeErrors, 10);
      assert.closeTo(result.agreement.value, wanted.agreement, 1e-12);
      assert.closeTo(result.kappa.value, wanted.kappa, 1e-12);
      assert.isTrue(result.kappa.interval.low < wanted.kappa && wanted.kappa < result.kappa.interval.high);
      assert.deepInclude(result.position.swapped, { n: 190, flips: 0 });
      assert.deepInclude(result, { judge: null, artifact: null, corrected: null });
    }),
  );

  it.effect("takes the judge's bias out of its rates on rows that nobody has labelled", () =>
    Effect.gen(function* () {
      // The judge says "new" for every tie. Of the unlabelled rows it says so of 80 %, where people would of 60 %.
      const row = (i: number, human: ReadonlyArray<string>, winner: string) => ({
        case_id: `c${i}`,
        human,
        judge: { winner },
      });
      const labelled = Array.from({ length: 100 }, (_, i) =>
        i < 20 ? row(i, ["tie"], "new") : i < 80 ? row(i, ["new"], "new") : row(i, ["old"], "old"),
      );
      const unlabelled = Array.from({ length: 100 }, (_, i) => row(1_000 + i, [], i < 80 ? "new" : "old"));
      const file = write("biased.jsonl", lines([...labelled, ...unlabelled]));
      const { corrected } = JSON.parse((yield* calibrate(file, "--json")).answer);
      assert.strictEqual(corrected.n, 100);
      assert.closeTo(corrected.shares.candidate.value, 0.6, 1e-12);
      assert.closeTo(corrected.shares.tie.value, 0.2, 1e-12);
      assert.closeTo(corrected.shares.baseline.value, 0.2, 1e-12);
      assert.closeTo(corrected.preference.value, 0.4, 1e-12);
      // Shares of .8 and of .2 in 100 rows each: variances add up.
      const reach = 1.959963984540054 * Math.sqrt((0.16 + 0.16) / 99);
      assert.closeTo(corrected.shares.candidate.interval.low, 0.6 - reach, 1e-9);
    }),
  );

  it.effect("asks the policy's judge, and stores what came of it", () =>
    Effect.gen(function* () {
      const bodies: Array<string> = [];
      const server = createServer(async (request, response) => {
        const chunks: Array<Buffer> = [];
        for await (const chunk of request) chunks.push(chunk);
        bodies.push(`${request.method} ${request.url} ${Buffer.concat(chunks)}`);
        response.end(JSON.stringify({ digest: digestOf("stored"), bytes: 1 }));
      });
      yield* Effect.promise(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
      const judge = { kind: "deterministic", rules: [{ rule: "contains", text: "yes" }] };
      const policy = write("policy.json", JSON.stringify({ judge }));
      const row = (i: number, human: string, old: string, candidate: string) => ({
        case_id: `c${i}`,
        input: "?",
        old: { output: old },
        new: { output: candidate },
        human: [human],
      });
      const rows = [
        row(1, "old", "yes", "no"),
        row(2, "new", "no", "yes"),
        row(3, "tie", "no", "yes"),
        row(4, "tie", "yes", "yes"),
      ];
      const { code, answer } = yield* calibrate(
        write("texts.jsonl", lines(rows)),
        ...[
          "--policy",
          policy,
          "--record",
          "--json",
          "--url",
          `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        ],
      );
      yield* Effect.promise(() => new Promise((resolve) => server.close(resolve)));
      assert.strictEqual(code, 0);
      const result = JSON.parse(answer);
      const specification = Schema.decodeUnknownSync(Policy)({ judge }).judge;
      assert.deepInclude(result, { judge: digestOf(specification), n: 4, artifact: digestOf("stored") });
      assert.strictEqual(result.agreement.value, 0.75);
      const [stored] = bodies;
      assert.match(stored ?? "", /^PUT \/v1\/artifacts /);
      const record = Schema.decodeUnknownSync(Schema.fromJsonString(JudgeCalibrationRecord))(
        stored?.slice("PUT /v1/artifacts ".length),
      );
      assert.deepInclude(record, { judge: digestOf(specification), n: 4, judgeErrors: 0 });
      assert.strictEqual(record.kappa?.value, result.kappa.value);
    }),
  );

  it.effect.each([
    [
      "a row without a verdict",
      [{ case_id: "a", human: ["old"] }],
      [],
      /line 1: field "judge" is missing; name the field with the verdicts, or the policy whose judge is asked$/,
    ],
    ["a row that is no object", [[7]], [], /line 1: is no object; write one JSON object a line$/],
    ["a row without its case", [{ human: ["old"] }], [], /line 1: case_id is missing; give it on each line$/],
    ["labels that are no list", [{ case_id: "a", human: "old" }], [], /line 1: human is no array; give one$/],
    [
      "a label that is none",
      [{ case_id: "a", human: ["best"], judge: { winner: "old" } }],
      [],
      /"best" is not old, new or tie/,
    ],
    [
      "a record of no judge",
      [{ case_id: "a", human: ["old"], judge: { winner: "old" } }],
      ["--record"],
      /--record needs --policy/,
    ],
  ] as const)("answers %s in one sentence", ([name, rows, args, words]) =>
    Effect.gen(function* () {
      const { code, sentence } = yield* calibrate(write(`${name}.jsonl`, lines(rows)), ...args);
      assert.strictEqual(code, 2);
      assert.match(sentence ?? "", words);
      assert.notInclude(sentence ?? "", "\n");
    }),
  );

  it.effect("is inconclusive where nothing can be compared", () =>
    Effect.gen(function* () {
      const file = write("divided.jsonl", lines([{ case_id: "a", human: ["old", "new"], judge: { winner: "old" } }]));
      assert.strictEqual((yield* calibrate(file)).code, 4);
    }),
  );
});

const shared = new URL("../../../../../shared/data/", import.meta.url);

describe.skipIf(!existsSync(shared))(
  "on people and judges as they were recorded (recorded data, not part of the project)",
  () => {
    const files = existsSync(shared) ? readdirSync(new URL("shadow/", shared)) : [];
    const expected = existsSync(shared)
      ? JSON.parse(readFileSync(new URL("expected.json", shared), "utf8")).shadow
      : {};
    for (const file of files)
      for (const field of ["judge", "judge2"])
        it.effect(`${file}, field ${field}, has the figures that were computed independently`, () =>
          Effect.gen(function* () {
            const path = fileURLToPath(new URL(`shadow/${file}`, shared));
            const { answer } = yield* calibrate(path, "--field", field, "--json");
            const result = JSON.parse(answer);
            const wanted = expected[file.replace(".jsonl.gz", "")][`${field}_vs_human`];
            assert.strictEqual(result.n, wanted.n);
            assert.closeTo(result.agreement.value, wanted.agreement, 5e-5);
            assert.closeTo(result.kappa.value, wanted.cohen_kappa, 5e-5);
          }),
        );
  },
);
