import { existsSync, readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { assert, describe, it } from "@effect/vitest";
import { Policy } from "@sluice/contracts";
import { randomSource } from "@sluice/statistics";
import * as Schema from "effect/Schema";
import { RecordedRequestLine, recordedRequest } from "../recorded-request.ts";
import type { RecordedRequest } from "./recorded-arms.ts";
import { replayCanary } from "./replay-canary.ts";

const { canary: policy } = Schema.decodeUnknownSync(Policy)({});

const recording = (
  n: number,
  candidate: Partial<RecordedRequest> & { readonly slower?: number; readonly failEvery?: number } = {},
): ReadonlyArray<RecordedRequest> => {
  const { slower = 1, failEvery = 0, ...changes } = candidate;
  const random = randomSource(7);
  return Array.from({ length: 2 * n }, (_, i): RecordedRequest => {
    const isCandidate = i >= n;
    return {
      arm: isCandidate ? "candidate" : "baseline",
      atMs: null,
      latencyMs: (400 + 600 * random()) * (isCandidate ? slower : 1),
      failed: isCandidate && failEvery > 0 && i % failEvery === 0,
      refused: false,
      quality: random() < 0.8 ? 1 : 0,
      ...(isCandidate && changes),
    };
  });
};

describe("replayCanary", () => {
  it("promotes the same, and needs enough of it", () => {
    assert.strictEqual(replayCanary(recording(75), policy).verdict, "promote");
    assert.strictEqual(replayCanary(recording(29), policy).verdict, "inconclusive");
    assert.strictEqual(replayCanary([], policy).verdict, "inconclusive");
  });

  it("rolls back on each metric, and names it", () => {
    const reasons = (candidate: Parameters<typeof recording>[1]) =>
      replayCanary(recording(150, candidate), policy).reasons;
    assert.deepStrictEqual(reasons({ failEvery: 10 }), ["error_rate"]);
    assert.deepStrictEqual(reasons({ slower: 2 }), ["latency_p95"]);
    assert.deepStrictEqual(reasons({ quality: 0.2 }), ["quality"]);
    assert.deepStrictEqual(reasons({ refused: true }), ["refusal_rate"]);
  });

  it("takes what policy only warns about for no reason", () => {
    const { canary } = Schema.decodeUnknownSync(Policy)({ canary: { metrics: { latencyP95: { onBreach: "warn" } } } });
    const replay = replayCanary(recording(150, { slower: 2 }), canary);
    assert.deepStrictEqual([replay.verdict, replay.reasons], ["promote", []]);
    assert.isTrue(replay.checks.find(({ metric }) => metric === "latency_p95")?.failed);
  });

  it("tells what the controller would have made of it", () => {
    const { sequential } = replayCanary(recording(400, { failEvery: 3 }), policy);
    assert.strictEqual(sequential?.breach?.cause, "metric");
    assert.isNull(replayCanary(recording(400), policy).sequential?.breach);
  });
});

// Recordings of public services, where they are at hand.
const shared = new URL("../../../../../shared/data/", import.meta.url);
const directory = new URL("canary/", shared);

describe.skipIf(!existsSync(directory))("recorded canaries (recorded data, not part of the project)", () => {
  const decode = Schema.decodeUnknownSync(RecordedRequestLine);
  // A skipped suite is still collected: what it needs may only be read where it is.
  const { canary } = (
    existsSync(directory) ? JSON.parse(readFileSync(new URL("expected.json", shared), "utf8")) : { canary: {} }
  ) as {
    canary: Record<string, { expected: { verdict: string; reasons: ReadonlyArray<string>; borderline: boolean } }>;
  };
  for (const file of existsSync(directory) ? readdirSync(directory) : []) {
    const expected = canary[file.replace(".jsonl.gz", "")]?.expected;
    it.skipIf(!expected || expected.borderline)(file, () => {
      const lines = gunzipSync(readFileSync(new URL(file, directory)))
        .toString("utf8")
        .trim()
        .split("\n");
      const rows = lines.map((line) => decode(JSON.parse(line)));
      const replay = replayCanary(rows.map(recordedRequest), policy);
      assert.deepStrictEqual(
        [replay.verdict, [...replay.reasons].sort()],
        [expected?.verdict, [...(expected?.reasons ?? [])].sort()],
      );
    });
  }
});
