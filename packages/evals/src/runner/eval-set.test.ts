import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, assert, describe, it } from "@effect/vitest";
import { digestOfBytes } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { readEvalSet } from "./eval-set.ts";
import { planCases } from "./planned-case.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-eval-set-"));
afterAll(() => rmSync(folder, { recursive: true }));
const read = (name: string, content: string | Uint8Array) => {
  const file = join(folder, name);
  writeFileSync(file, content);
  return Effect.result(readEvalSet(file));
};
const faultOf = (name: string, content: string | Uint8Array) =>
  Effect.map(read(name, content), (outcome) =>
    Result.isFailure(outcome) ? outcome.failure.message.replace(`${folder}/`, "") : "no fault",
  );

const lines =
  '{"case_id":"a","input":"x","expected":1}\n\n{"case_id":"b","messages":[{"role":"user","content":"y"}],"scorer":"refusal"}\n';

describe("an eval set", () => {
  it.live("is the same as lines, packed, as YAML and as JSON", () =>
    Effect.gen(function* () {
      const plain = Result.getOrThrow(yield* read("a.jsonl", lines));
      assert.strictEqual(plain.digest, digestOfBytes(lines));
      const document = { cases: plain.cases };
      const others = [
        yield* read("a.jsonl.gz", gzipSync(lines)),
        yield* read("a.json", JSON.stringify(document)),
        yield* read("b.json", JSON.stringify(plain.cases)),
        yield* read(
          "a.yaml",
          "cases:\n  - { case_id: a, input: x, expected: 1 }\n  - case_id: b\n    messages: [{ role: user, content: y }]\n    scorer: refusal\n",
        ),
      ];
      for (const other of others) assert.deepStrictEqual(Result.getOrThrow(other).cases, plain.cases);
    }),
  );

  it.live.each([
    ["a.jsonl", '{"case_id":"a","input":"x"}\n[1', "a.jsonl, line 2: is not JSON; write one JSON object a line"],
    [
      "a.jsonl",
      '{"case_id":"a","input":"x","expcted":1}',
      "a.jsonl, line 1: expcted is no field; remove it or correct its name",
    ],
    ["a.jsonl", '{"case_id":"a","input":3}', "a.jsonl, line 1: input is 3; expected string"],
    ["a.jsonl", '{"input":"x"}', "a.jsonl, line 1: case_id is missing; missing key"],
    [
      "a.jsonl",
      '{"case_id":"a","input":"x","scorer":{"kind":"regx"}}',
      'a.jsonl, line 1: scorer is {"kind":"regx"}; give a scorer with the kind exact, contains, regex, json-schema, numeric, refusal or judge',
    ],
    ["a.jsonl", `${lines}${lines}`, 'a.jsonl: case_id "a" is there twice; give each case its own'],
    ["a.jsonl", "\n", "a.jsonl: has no cases; write one JSON object a line"],
    ["a.jsonl", Uint8Array.of(0x22, 0xff), "a.jsonl: is not UTF-8 text; save it as UTF-8"],
    ["a.jsonl.gz", lines, "a.jsonl.gz: is not UTF-8 text in gzip of at most 256 MiB; save it as UTF-8"],
    ["a.yaml", "cases: [", /^a\.yaml, line 1: not YAML: .*; check the syntax$/],
    ["a.yaml", "cases: []", /^a\.yaml: cases is \[\]; expected .*at least 1/],
  ] as const)("%s with %s is refused in one sentence", ([name, content, expected]) =>
    Effect.map(faultOf(name, content), (fault) =>
      typeof expected === "string" ? assert.strictEqual(fault, expected) : assert.match(fault, expected),
    ),
  );

  it.live("wants either input or messages, and something to score by", () =>
    Effect.gen(function* () {
      assert.match(yield* faultOf("a.jsonl", '{"case_id":"a"}'), /either input or messages/);
      const both = '{"case_id":"a","input":"x","scorer":"refusal","scorers":["refusal"]}';
      assert.match(yield* faultOf("a.jsonl", both), /either scorer or scorers/);
      const bundle = {
        prompt: { kind: "prompt", messages: [] },
        model: { kind: "model", provider: "p", model: "m", parameters: {} },
      } as const;
      const unscored = Result.getOrThrow(yield* read("a.jsonl", '{"case_id":"a","input":"x"}'));
      assert.match(
        Result.merge(Result.map(planCases(unscored, bundle, null), () => "planned")),
        /case a: has neither a scorer nor an expected; give it one of the two$/,
      );
      const shared = { ...unscored, scorers: ["refusal" as const] };
      assert.isTrue(Result.isSuccess(planCases(shared, bundle, null)));
    }),
  );
});
