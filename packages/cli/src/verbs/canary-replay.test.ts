import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import * as NodeServices from "@effect/platform-node/NodeServices";
import { assert, describe, it } from "@effect/vitest";
import * as Command from "effect/cli/Command";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { afterAll, afterEach, beforeEach, vi } from "vitest";
import { Exit } from "../exit.ts";
import { canaryCommand } from "./canary-replay.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-canary-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let printed = "";
beforeEach(() => {
  printed = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += String(text);
    return true;
  });
});
afterEach(() => vi.restoreAllMocks());

const replay = (...args: ReadonlyArray<string>) =>
  Command.runWith(canaryCommand, { version: "0.0.0" })(["replay", ...args]).pipe(
    Effect.provide(NodeServices.layer),
    Effect.result,
    Effect.map((result) => {
      if (Result.isSuccess(result)) return { code: 0, sentence: null, printed };
      const { failure } = result;
      assert.instanceOf(failure, Exit);
      return { code: failure.code, sentence: failure.sentence, printed };
    }),
  );

const write = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const rows = (count: number, failEvery = 0): ReadonlyArray<string> =>
  Array.from({ length: 2 * count }, (_, i) =>
    JSON.stringify({
      arm: i % 2 ? "canary" : "baseline",
      latency_ms: 300 + ((i * 37) % 200),
      error: failEvery > 0 && i % 2 === 1 && (i >> 1) % failEvery === 0 ? 1 : 0,
      case_id: `case-${i}`,
    }),
  );

describe("sluice canary replay", () => {
  it.effect("promotes what is the same, with exit code 0", () =>
    Effect.gen(function* () {
      const { code, printed: text } = yield* replay(write("same.jsonl", rows(100).join("\n")));
      assert.strictEqual(code, 0);
      assert.match(text, /^PROMOTE {2}nothing got worse in 100 requests/u);
    }),
  );

  it.effect("rolls back with exit code 3, and says in JSON on what and why", () =>
    Effect.gen(function* () {
      const file = write("worse.jsonl.gz", gzipSync(rows(200, 4).join("\n")));
      const { code, printed: text } = yield* replay(file, "--json");
      const answer = JSON.parse(text);
      assert.deepStrictEqual([code, answer.verdict, answer.reasons], [3, "rollback", ["error_rate"]]);
      assert.deepStrictEqual(answer.requests, { baseline: 200, candidate: 200 });
      assert.strictEqual(answer.checks[0].candidate.value, 0.25);
      assert.strictEqual(answer.sequential.breach.cause, "metric");
      assert.strictEqual(answer.sequential.evidence.windowCount, 20);
    }),
  );

  it.effect("follows a policy", () =>
    Effect.gen(function* () {
      const policy = write("policy.yaml", "canary: { metrics: { errorRate: { onBreach: warn } } }");
      const { code } = yield* replay(write("warned.jsonl", rows(200, 4).join("\n")), "--policy", policy);
      assert.strictEqual(code, 0);
    }),
  );

  it.effect("says with exit code 4 that there is too little, also where an arm is missing", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* replay(write("few.jsonl", rows(10).join("\n")))).code, 4);
      const oneArm = rows(100).filter((row) => row.includes("baseline"));
      const { code, printed: text } = yield* replay(write("one.jsonl", oneArm.join("\n")), "--json");
      assert.deepStrictEqual([code, JSON.parse(text.slice(text.indexOf("{"))).sequential], [4, null]);
    }),
  );

  const [good = ""] = rows(1);
  const faults: ReadonlyArray<readonly [string, string | Uint8Array, RegExp]> = [
    [
      "a value",
      `${good}\n\n{"arm":"canary","latency_ms":"fast","error":0}`,
      /, line 3: latency_ms is "fast"; expected/u,
    ],
    ["a missing field", `${good}\n{"arm":"canary","error":0}`, /, line 2: latency_ms is missing; every row has it$/u],
    ["an arm", '{"arm":"control","latency_ms":1,"error":0}', /, line 1: arm is "control"; expected "baseline" \| /u],
    ["no JSON", "arm,latency_ms\nbaseline,3", /, line 1: arm,latency_ms is not JSON; write one object a line$/u],
    ["no object", "[3]", /, line 1: \[3\] is no recorded request/u],
    ["nothing", "\n", /: has no requests; write one JSON object a line$/u],
    ["no text", new Uint8Array([0xff, 0xfe, 0xfd]), /: is not UTF-8 text, plain or in gzip/u],
    ["broken gzip", new Uint8Array([0x1f, 0x8b, 1, 2]), /: is not UTF-8 text, plain or in gzip/u],
  ];
  for (const [what, content, sentence] of faults)
    it.effect(`names file, line and fix: ${what}`, () =>
      Effect.gen(function* () {
        const outcome = yield* replay(write("bad.jsonl", content), "--json");
        assert.deepStrictEqual([outcome.code, outcome.printed], [2, ""]);
        assert.match(outcome.sentence ?? "", sentence);
        assert.notInclude(outcome.sentence ?? "", "\n");
      }),
    );

  it.effect("names a file that is not there", () =>
    Effect.gen(function* () {
      assert.match(
        (yield* replay(join(folder, "none.jsonl"))).sentence ?? "",
        /cannot be read \(ENOENT\); check the path$/u,
      );
    }),
  );
});

// Recordings of public services, where they are at hand.
const recorded = new URL("../../../../../shared/data/canary/", import.meta.url);
const expectedVerdicts = new URL("../../../../../shared/data/expected.json", import.meta.url);

describe.skipIf(!existsSync(recorded))("recorded canaries (recorded data, not part of the project)", () => {
  if (!existsSync(recorded)) return;
  const { canary } = JSON.parse(readFileSync(expectedVerdicts, "utf8")) as {
    canary: Record<string, { expected: { verdict: string; reasons: ReadonlyArray<string>; borderline: boolean } }>;
  };
  for (const name of readdirSync(recorded)) {
    const expected = canary[name.replace(".jsonl.gz", "")]?.expected;
    if (!expected || expected.borderline) continue;
    it.effect(name, () =>
      Effect.gen(function* () {
        const { code, printed: text } = yield* replay(fileURLToPath(new URL(name, recorded)), "--json");
        const { verdict, reasons } = JSON.parse(text);
        assert.deepStrictEqual([verdict, reasons.toSorted()], [expected.verdict, [...expected.reasons].sort()]);
        assert.strictEqual(code, verdict === "rollback" ? 3 : 0);
      }),
    );
  }
});
