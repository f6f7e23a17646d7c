import { gzipSync } from "node:zlib";
import { assert, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { type ByteSource, bytesSource } from "../readers/byte-source.ts";
import { defaultLimits } from "../readers/read-limits.ts";
import { readCaseFile } from "./read-case-file.ts";
import { readCaseTable, readCaseTexts } from "./read-case-table.ts";

const line = (i: number) => JSON.stringify({ case_id: `c${i}`, score: 1 });
const file = (content: string | Uint8Array) => bytesSource("results.jsonl", Buffer.from(content));
const casesIn = (source: ByteSource, limits = defaultLimits) =>
  Effect.map(readCaseFile(source, { limits }), ({ arms }) => [...arms.values()].map((arm) => arm.clusters.size));
const messageOf = (source: ByteSource, limits = defaultLimits) =>
  Effect.map(Effect.flip(readCaseFile(source, { limits })), (error) => `${error.kind}: ${error.message}`);

it.live("reads plain and compressed, with or without a byte order mark and a last newline", () =>
  Effect.gen(function* () {
    const text = `${line(1)}\r\n${line(2)}`;
    for (const content of [text, `\uFEFF${text}\n\n`, gzipSync(text)])
      assert.deepStrictEqual(yield* casesIn(file(content)), [2]);
  }),
);

it.live("tells a paired file by its content", () =>
  Effect.gen(function* () {
    const text = JSON.stringify({
      case_id: "a",
      input: 'say "baseline":',
      baseline: { score: 1 },
      candidate: { score: 0 },
    });
    assert.deepStrictEqual(yield* casesIn(file(text)), [1, 1]);
    const quoting = JSON.stringify({ case_id: "a", input: '{"baseline": 1}', score: 1 });
    assert.deepStrictEqual(yield* casesIn(file(quoting)), [1]);
  }),
);

it.live("refuses a line of a gigabyte after a few megabytes of it", () =>
  Effect.gen(function* () {
    let handed = 0;
    const piece = new Uint8Array(1_048_576).fill(97);
    const endless: ByteSource = {
      name: "huge.jsonl",
      open: async function* () {
        yield Buffer.from(`${line(0)}\n{"case_id":"x","score":1,"output":"`);
        for (; handed < 1_024; handed++) yield piece;
      },
    };
    assert.match(yield* messageOf(endless), /huge\.jsonl, line 2: is longer than 8 MiB; /u);
    assert.isBelow(handed, 12);
  }),
);

it.live("refuses a gzip that unpacks to more than it may", () =>
  Effect.gen(function* () {
    const bomb = gzipSync(Buffer.concat([Buffer.from(`${line(0)}\n`), Buffer.alloc(64 * 1_048_576, 10)]));
    assert.isBelow(bomb.length, 100_000);
    const limits = { ...defaultLimits, maxBytes: 16 * 1_048_576 };
    assert.match(yield* messageOf(file(bomb), limits), /is larger than 16 MiB/u);
  }),
);

it.live("refuses more cases than it may hold", () =>
  Effect.gen(function* () {
    const text = Array.from({ length: 11 }, (_, i) => line(i)).join("\n");
    const limits = { ...defaultLimits, maxCases: 10 };
    assert.match(yield* messageOf(file(text), limits), /line 11: holds more than 10 cases; split the eval set/u);
    assert.deepStrictEqual(yield* casesIn(file(text.slice(0, text.lastIndexOf("\n"))), limits), [10]);
  }),
);

it.live("has kinds of errors: not to be had, malformed, and no evidence", () =>
  Effect.gen(function* () {
    const broken: ByteSource = {
      name: "gone.jsonl",
      // biome-ignore lint/correctness/useYield: a source that fails before its first byte.
      open: async function* () {
        throw Object.assign(new Error("no such file"), { code: "ENOENT" });
      },
    };
    assert.match(yield* messageOf(broken), /^unreadable: gone\.jsonl: does not exist/u);
    assert.match(yield* messageOf(file("nonsense")), /^malformed: /u);
    assert.match(yield* messageOf(file("")), /^unusable: .*0 cases/u);
    const damaged = gzipSync(line(1));
    damaged[14] = 0xff;
    assert.match(yield* messageOf(file(damaged)), /^malformed: .*gzip/u);
  }),
);

it.live("reads the texts of a few cases, however their ids are written", () =>
  Effect.gen(function* () {
    const line = (id: string, i: number) =>
      `{"case_id":${id},"input":"ask ${i}","baseline":{"score":1,"output":"old ${i}"},"candidate":{"score":0,"output":"new ${i}"}}`;
    const pairs = file(['"a.b"', '"axb"', '"caf\\u00e9"', '"say \\"hi\\""'].map(line).join("\n"));
    const texts = yield* readCaseTexts({ pairs }, ["a.b"]);
    assert.deepStrictEqual([...texts], [["a.b", { input: "ask 0", baseline: "old 0", candidate: "new 0" }]]);
    const odd = "a/b-c[1](x)|y.z{2}^$*+?";
    const named = file(line(JSON.stringify(odd), 7));
    assert.strictEqual((yield* readCaseTexts({ pairs: named }, [odd])).get(odd)?.baseline, "old 7");
    assert.strictEqual((yield* readCaseTexts({ pairs }, ["café"])).get("café")?.baseline, "old 2");
    assert.strictEqual((yield* readCaseTexts({ pairs }, ['say "hi"'])).get('say "hi"')?.candidate, "new 3");
    assert.deepStrictEqual((yield* readCaseTexts({ pairs }, ["nowhere"])).get("nowhere"), {
      input: undefined,
      baseline: undefined,
      candidate: undefined,
    });
  }),
);

it.live("pairs two files, or takes both arms from one", () =>
  Effect.gen(function* () {
    const two = yield* readCaseTable({
      baseline: { source: file(`${line(1)}\n${line(2)}`) },
      candidate: { source: file(`${line(2)}\n${line(1)}`) },
    });
    assert.deepStrictEqual(
      two.cases.map(({ caseId }) => caseId),
      ["c1", "c2"],
    );
    const paired = JSON.stringify({ case_id: "a", baseline: { score: 1 }, candidate: { score: 0 } });
    const swapped = yield* readCaseTable({
      baseline: { source: file(paired), arm: "candidate" },
      candidate: { source: file(paired), arm: "baseline" },
    });
    assert.strictEqual(swapped.cases[0]?.candidate.score, 1);
    const unnamed = yield* Effect.flip(
      readCaseTable({ baseline: { source: file(paired) }, candidate: { source: file(paired) } }),
    );
    assert.match(
      unnamed.message,
      /arm is not named, and the file holds 2; name one as FILE#ARM, by name or number \(1: baseline, 2: candidate\)/u,
    );
  }),
);
