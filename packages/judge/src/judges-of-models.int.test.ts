import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { assert, describe, it } from "@effect/vitest";
import { JudgeSpecification } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { Judge } from "./judge.ts";
import type { JudgeProvider } from "./judge-settings.ts";

interface Asked {
  readonly model: string;
  readonly material: {
    readonly input: string;
    readonly response?: string;
    readonly first?: string;
    readonly second?: string;
  };
}
/** What the model says: an object, or null for HTTP 500. */
type Model = (asked: Asked) => object | null;

/** A real server that answers as the model of the request does. */
const serving = (model: Model) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const calls: Array<Asked> = [];
      const http = createServer(async (request, response) => {
        const chunks: Array<Buffer> = [];
        for await (const chunk of request) chunks.push(chunk);
        const body = JSON.parse(Buffer.concat(chunks).toString());
        const asked: Asked = { model: body.model, material: JSON.parse(body.messages[1].content) };
        calls.push(asked);
        const judgement = model(asked);
        if (judgement === null) return response.writeHead(500).end("{}");
        const usage = { prompt_tokens: 60, completion_tokens: 40 };
        response.end(JSON.stringify({ choices: [{ message: { content: JSON.stringify(judgement) } }], usage }));
      });
      await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
      return { baseUrl: `http://127.0.0.1:${(http.address() as AddressInfo).port}/v1`, calls, http };
    }),
    ({ http }) =>
      Effect.promise(async () => {
        http.closeAllConnections();
        await new Promise((resolve) => http.close(resolve));
      }),
  );

const specification = Schema.decodeUnknownSync(JudgeSpecification);
const asked = { provider: "judges", model: "judge-1", rubric: "Be right." };
const pairwise = specification({ kind: "pairwise", ...asked });
const pair = { input: "2 + 2?", baseline: "5", candidate: "4" };

const judging = <A, E>(
  model: Model,
  use: (judge: Judge["Service"], calls: ReadonlyArray<Asked>) => Effect.Effect<A, E>,
  provider: Partial<JudgeProvider> = {},
) =>
  Effect.gen(function* () {
    const { baseUrl, calls } = yield* serving(model);
    const layer = Judge.layer({ providers: { judges: { baseUrl, ...provider } }, retries: 0 });
    return yield* Effect.provide(
      Judge.use((judge) => use(judge, calls)),
      layer,
    );
  });

const prefers =
  (text: string): Model =>
  ({ material }) => ({
    reason: "r",
    better: material.first === text ? "first" : material.second === text ? "second" : "tie",
  });
const always =
  (better: string): Model =>
  () => ({ reason: "r", better });

describe("a pairwise judge", () => {
  it.live.each([
    ["prefers the candidate in both orders", prefers("4"), 0, 1, ["candidate", "candidate"]],
    ["prefers the baseline in both orders", prefers("5"), 1, 0, ["baseline", "baseline"]],
    ["prefers neither", always("tie"), 0.5, 0.5, ["tie", "tie"]],
    ["prefers whatever comes first", always("first"), 0.5, 0.5, ["baseline", "candidate"]],
    ["prefers whatever comes second", always("second"), 0.5, 0.5, ["candidate", "baseline"]],
  ] as const)("that %s", ([, model, baseline, candidate, [baselineFirst, candidateFirst]]) =>
    judging(model, (judge, calls) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* judge.scorePair(pairwise, pair), {
          baseline,
          candidate,
          orders: { baselineFirst, candidateFirst },
        });
        assert.deepStrictEqual(calls.map(({ material }) => material.first).sort(), ["4", "5"]);
      }),
    ),
  );

  it.live("is not asked about two equal answers, and has no score when one of its two answers fails", () =>
    judging(
      ({ material }) => (material.first === "5" ? null : { reason: "r", better: "first" }),
      (judge, calls) =>
        Effect.gen(function* () {
          const equal = yield* judge.scorePair(pairwise, { ...pair, baseline: "4" });
          assert.deepStrictEqual([equal, calls.length], [{ baseline: 0.5, candidate: 0.5 }, 0]);
          assert.include((yield* Effect.flip(judge.scorePair(pairwise, pair))).message, "HTTP 500");
        }),
    ),
  );

  it.live("leaves single answers to the judge that it names for them", () =>
    judging(always("tie"), (judge, calls) =>
      Effect.gen(function* () {
        assert.strictEqual(yield* judge.score(pairwise, { input: "2 + 2?", output: "4" }), 1);
        assert.strictEqual(calls.length, 0);
      }),
    ),
  );
});

describe("an ensemble", () => {
  const member = (model: string) => ({ kind: "model", ...asked, model });
  const scores: Readonly<Record<string, number>> = { low: 0.1, mid: 0.3, high: 1 };
  const byModel: Model = ({ model }) => (model in scores ? { reason: "r", score: scores[model] } : null);
  const of = (models: ReadonlyArray<string>, more: object = {}) =>
    specification({ kind: "ensemble", members: models.map(member), ...more });
  const answer = { input: "q", output: "a" };

  it.live("scores the mean, or the median, of its members", () =>
    judging(byModel, (judge) =>
      Effect.gen(function* () {
        assert.closeTo(yield* judge.score(of(["low", "mid", "high"]), answer), 1.4 / 3, 1e-12);
        assert.strictEqual(yield* judge.score(of(["low", "mid", "high"], { combine: "median" }), answer), 0.3);
        assert.closeTo(yield* judge.score(of(["high", "mid"], { combine: "median" }), answer), 0.65, 1e-12);
      }),
    ),
  );

  it.live("needs all of them, or as many as it says", () =>
    judging(byModel, (judge) =>
      Effect.gen(function* () {
        const failed = yield* Effect.flip(judge.score(of(["low", "broken"]), answer));
        assert.match(failed.message, /1 of 2 judges answered: .*HTTP 500/);
        assert.strictEqual(yield* judge.score(of(["low", "broken"], { minAnswers: 1 }), answer), 0.1);
      }),
    ),
  );

  it.live("mixes kinds, and says of a pair whether the order mattered", () =>
    judging(always("first"), (judge) =>
      Effect.gen(function* () {
        const rules = { kind: "deterministic", rules: [{ rule: "contains", text: "4" }] };
        const mixed = specification({ kind: "ensemble", members: [rules, { kind: "pairwise", ...asked }] });
        assert.deepStrictEqual(yield* judge.scorePair(mixed, pair), {
          baseline: 0.25,
          candidate: 0.75,
          orders: { baselineFirst: "baseline", candidateFirst: "candidate" },
        });
      }),
    ),
  );
});

describe("what judges cost", () => {
  const pointwise = specification({ kind: "model", ...asked });
  const fair: Model = () => ({ reason: "r", score: 0.5 });

  it.live("the same question is paid once, whoever asks it", () =>
    judging(fair, (judge, calls) =>
      Effect.gen(function* () {
        const once = { input: "q", output: "a" };
        yield* judge.score(pointwise, once);
        yield* judge.score(pointwise, once);
        yield* judge.score(specification({ kind: "model", ...asked, timeoutMs: 9 }), once);
        assert.strictEqual(calls.length, 1);
        yield* judge.score(specification({ kind: "model", ...asked, rubric: "Be kind." }), once);
        yield* judge.score(pointwise, { ...once, output: "b" });
        assert.strictEqual(calls.length, 3);
      }),
    ),
  );

  it.live.each([
    ["tokens", { judgeBudget: { tokensPerHour: 150 } }, /150 tokens an hour/],
    [
      "money",
      {
        judgeBudget: { usdPerHour: 0.0015 },
        prices: { "judge-1": { inputUsdPerMillion: 10, outputUsdPerMillion: 10 } },
      },
      /0.0015 USD an hour/,
    ],
  ] as const)("beyond a budget of %s there is no score, and nothing is asked", ([, provider, words]) =>
    judging(
      fair,
      (judge, calls) =>
        Effect.gen(function* () {
          const score = (output: string) => judge.score(pointwise, { input: "q", output });
          yield* score("a");
          yield* score("b");
          assert.match((yield* Effect.flip(score("c"))).message, words);
          assert.strictEqual(calls.length, 2);
          // What is remembered costs nothing.
          assert.strictEqual(yield* score("a"), 0.5);
        }),
      provider,
    ),
  );
});
