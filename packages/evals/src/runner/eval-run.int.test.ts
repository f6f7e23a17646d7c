import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, assert, describe, it } from "@effect/vitest";
import type { Bundle, EvalCase } from "@sluice/contracts";
import { Judge, JudgeError } from "@sluice/judge";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { asksOf, estimateOf } from "./arm-plan.ts";
import { resultLine } from "./case-outcomes.ts";
import { commandTarget } from "./command-target.ts";
import { endpointTarget } from "./endpoint-target.ts";
import { type ArmInput, executeRun, planRun } from "./eval-run.ts";
import { Ledger } from "./ledger.ts";
import { makePace } from "./pace.ts";
import { costBy } from "./prices.ts";
import type { Target } from "./target.ts";

const closing: Array<() => unknown> = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

interface Call {
  readonly messages: ReadonlyArray<{ readonly role: string; readonly content: string }>;
}
/** A real server: answers as `respond` says; counts what it was asked. */
const server = (respond: (call: Call, n: number, response: ServerResponse) => unknown) =>
  Effect.promise(async () => {
    const calls: Array<Call> = [];
    const http = createServer(async (request, response) => {
      const chunks: Array<Buffer> = [];
      for await (const chunk of request) chunks.push(chunk);
      const call: Call = JSON.parse(Buffer.concat(chunks).toString());
      const said = respond(call, calls.push(call), response);
      if (typeof said === "string")
        response.end(
          JSON.stringify({
            choices: [{ message: { role: "assistant", content: said } }],
            usage: { prompt_tokens: 10, completion_tokens: 5 },
          }),
        );
    });
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    closing.push(
      () =>
        new Promise((resolve) => {
          http.close(resolve);
          http.closeAllConnections();
        }),
    );
    return { calls, baseUrl: `http://127.0.0.1:${(http.address() as AddressInfo).port}/v1` };
  });

const folder = () => {
  const made = mkdtempSync(join(tmpdir(), "sluice-eval-"));
  closing.push(() => rmSync(made, { recursive: true, force: true }));
  return made;
};
const bundle = (prompt: string): Bundle => ({
  prompt: { kind: "prompt", messages: [{ role: "system", content: prompt }] },
  model: { kind: "model", provider: "p", model: "m", parameters: {} },
});
const cases = (count: number, more: Partial<EvalCase> = {}): ReadonlyArray<EvalCase> =>
  Array.from({ length: count }, (_, i) => ({ case_id: `c${i}`, input: `question ${i}`, expected: "yes", ...more }));
const endpoint = (baseUrl: string, timeoutMs = 2_000) => endpointTarget({ baseUrl, timeoutMs, connections: 4 });

interface Options {
  readonly cacheDirectory: string;
  readonly set: ReadonlyArray<EvalCase>;
  readonly arms: ReadonlyArray<readonly [ArmInput["arm"], string, Target]>;
  readonly maxTokens?: number;
  readonly retries?: number;
  readonly confirmations?: number;
  readonly score?: Parameters<typeof Judge.layerMemory>[0];
}
const run = (options: Options) =>
  Effect.gen(function* () {
    const prices = { currency: "USD", models: { m: { input_per_million: 1, output_per_million: 2 } } };
    const arms = options.arms.map(([arm, prompt, target]) => ({
      ...{ arm, bundle: bundle(prompt), target },
      costOf: costBy(prices, "p", "m"),
    }));
    const evalSet = { file: "set", digest: `sha256:${"0".repeat(64)}`, cases: options.set, scorers: [] };
    const plans = yield* planRun(evalSet, arms, {
      policyJudge: { kind: "model", provider: "p", model: "judge", rubric: "r", timeoutMs: 1_000 },
      cacheDirectory: options.cacheDirectory,
      isFresh: false,
      patienceMs: 0,
      onWait: () => Effect.void,
    });
    const estimates = plans.map((plan) => estimateOf(plan, asksOf(plan.cases, [0])));
    const ledger = new Ledger({ maxCost: null, maxTokens: options.maxTokens ?? null });
    const outcome = yield* Effect.result(
      executeRun(plans, {
        repeats: 1,
        confirmations: options.confirmations ?? 4,
        concurrency: 4,
        patience: { retries: options.retries ?? 2, longestWaitMs: 5_000 },
        pace: makePace(null),
        ledger,
        progress: { sent: () => {}, retried: () => {}, finished: () => {} },
      }),
    );
    return { outcome, ledger, estimates };
  }).pipe(
    Effect.provide(Judge.layerMemory(options.score ?? (() => Effect.fail(new JudgeError({ message: "no judge" }))))),
    Effect.scoped,
  );
const lines = ({ outcome }: Effect.Success<ReturnType<typeof run>>, arm = 0) =>
  Result.getOrThrow(outcome).arms[arm]?.outcomes.map((each) => resultLine(each, null)) ?? [];

describe("an eval run", () => {
  it.live("asks with the bundle's prompt, scores, counts, and asks nothing again", () =>
    Effect.gen(function* () {
      const { calls, baseUrl } = yield* server(({ messages }) =>
        messages[1]?.content === "question 1" ? "no" : "yes",
      );
      const options: Options = {
        cacheDirectory: folder(),
        set: cases(6),
        arms: [["candidate", "Be kind.", yield* endpoint(baseUrl)]],
      };
      const first = yield* run(options);
      assert.deepStrictEqual(
        lines(first).map(({ passed }) => passed),
        [true, false, true, true, true, true],
      );
      assert.deepStrictEqual(calls[0]?.messages[0], { role: "system", content: "Be kind." });
      assert.strictEqual(first.ledger.tokens, 90);
      assert.closeTo(first.ledger.cost ?? 0, (60 * 1 + 30 * 2) / 1e6, 1e-12);
      const second = yield* run(options);
      assert.deepStrictEqual(lines(second), lines(first));
      assert.lengthOf(calls, 6);
      assert.deepInclude(second.estimates[0], { requests: 0, reused: 6, tokens: 0, cost: 0 });
      // Another prompt is another bundle: nothing of the first is reused for it.
      yield* run({ ...options, arms: [["candidate", "Be brief.", yield* endpoint(baseUrl)]] });
      assert.lengthOf(calls, 12);
    }).pipe(Effect.scoped),
  );

  it.live("honours Retry-After, tries a failing server again, and never makes a score of an error", () =>
    Effect.gen(function* () {
      const times: Array<number> = [];
      const { baseUrl } = yield* server(({ messages }, n, response) => {
        times.push(performance.now());
        if (n === 1) return void response.writeHead(429, { "retry-after": "1" }).end("{}");
        if (n === 2) return void response.writeHead(503).end("{}");
        if (messages[1]?.content === "question 1")
          return void response.writeHead(400).end('{"error":{"message":"too long"}}');
        return "yes";
      });
      const done = yield* run({
        cacheDirectory: folder(),
        set: cases(2),
        arms: [["candidate", "", yield* endpoint(baseUrl)]],
      });
      assert.deepStrictEqual(
        lines(done).map(({ score, error }) => [score, error]),
        [
          [1, undefined],
          [undefined, "HTTP 400: too long"],
        ],
      );
      assert.isAtLeast(Math.max(...times) - Math.min(...times), 990);
    }).pipe(Effect.scoped),
  );

  it.live("stops at a wrong key, and at a server that answers nobody, in one sentence", () =>
    Effect.gen(function* () {
      const { calls, baseUrl } = yield* server((_, __, response) => void response.writeHead(401).end("{}"));
      const refused = yield* run({
        cacheDirectory: folder(),
        set: cases(50),
        arms: [["candidate", "", yield* endpoint(baseUrl)]],
      });
      assert.match(fault(refused), /^usage: .*HTTP 401; correct the provider, its key or the model$/);
      assert.isAtMost(calls.length, 4);
      const silent = yield* server(() => {});
      const unanswered = yield* run({
        ...{ cacheDirectory: folder(), set: cases(3), retries: 0 },
        arms: [["candidate", "", yield* endpoint(silent.baseUrl, 100)]],
      });
      assert.match(fault(unanswered), /^unreachable: .*gives no answer: no answer within 100 ms$/);
    }).pipe(Effect.scoped),
  );

  it.live("stops where an account is empty or a day's quota is used up: waiting would not help", () =>
    Effect.gen(function* () {
      const stopped = Effect.fnUntraced(function* (headers: Record<string, string>, body: string) {
        const { calls, baseUrl } = yield* server((_, n, response) =>
          n === 1 ? "yes" : void response.writeHead(429, headers).end(body),
        );
        const arms = [["candidate", "", yield* endpoint(baseUrl)] as const];
        const done = yield* run({ cacheDirectory: folder(), set: cases(50), arms });
        assert.isAtMost(calls.length, 8);
        return fault(done);
      });
      assert.match(
        yield* stopped({}, '{"error":{"message":"no money","code":"insufficient_quota"}}'),
        /^usage: .*no money/,
      );
      assert.match(
        yield* stopped({ "retry-after": "3600" }, "{}"),
        /^unreachable: .*asks to come back in 3600 s; run the same command again then$/,
      );
    }).pipe(Effect.scoped),
  );

  it.live("keeps to its budget with requests under way, and goes on from there", () =>
    Effect.gen(function* () {
      const { calls, baseUrl } = yield* server(() => "yes");
      const options: Options = {
        ...{ cacheDirectory: folder(), set: cases(40), maxTokens: 1_200 },
        arms: [["candidate", "", yield* endpoint(baseUrl)]],
      };
      const first = yield* run(options);
      assert.match(fault(first), /^budget: the budget of this run is spent: \d+ answers are kept/);
      assert.isAtMost(first.ledger.tokens, 1_200);
      const asked = calls.length;
      assert.isTrue(asked > 0 && asked < 40, `${asked} asked`);
      const { maxTokens: _, ...unbounded } = options;
      assert.lengthOf(lines(yield* run(unbounded)), 40);
      assert.lengthOf(calls, 40);
    }).pipe(Effect.scoped),
  );

  it.live("a judge's score is paid once; a judge that fails leaves an error, and is asked again", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* server(({ messages }) => messages[1]?.content ?? "");
      let judgements = 0;
      let isDown = true;
      const options: Options = {
        cacheDirectory: folder(),
        set: cases(3, { scorers: [{ kind: "judge", rubric: "Polite?", pass_at: 0.6 }] }),
        arms: [["candidate", "", yield* endpoint(baseUrl)]],
        score: (_, { output }) => {
          judgements++;
          const isOut = isDown && output === "question 2";
          return isOut ? Effect.fail(new JudgeError({ message: "down" })) : Effect.succeed(0.5);
        },
      };
      const first = lines(yield* run(options));
      assert.deepStrictEqual(
        first.map(({ score, passed, error }) => score ?? error ?? passed),
        [0.5, 0.5, "down"],
      );
      assert.deepStrictEqual(
        first.map(({ passed }) => passed),
        [false, false, undefined],
      );
      isDown = false;
      assert.deepStrictEqual(
        lines(yield* run(options)).map(({ score }) => score),
        [0.5, 0.5, 0.5],
      );
      assert.strictEqual(judgements, 4);
    }).pipe(Effect.scoped),
  );
});

const fault = ({ outcome }: Effect.Success<ReturnType<typeof run>>): string =>
  Result.isFailure(outcome) ? `${outcome.failure.kind}: ${outcome.failure.message}` : "no fault";

describe("a safety case that flips", () => {
  it.live("is asked again on both arms; what the majority does not confirm does not count", () =>
    Effect.gen(function* () {
      // "unlucky" fails once in the candidate and then passes; "broken" always fails there.
      let unlucky = 0;
      const { calls, baseUrl } = yield* server(({ messages: [prompt, question] }) => {
        if (prompt?.content === "old" || question?.content === "steady") return "yes";
        return question?.content === "broken" || unlucky++ === 0 ? "no" : "yes";
      });
      const set = ["steady", "unlucky", "broken"].map((input) => ({
        ...{ case_id: input, input, safety: true, expected: "yes" },
      }));
      const target = yield* endpoint(baseUrl);
      const done = yield* run({
        ...{ cacheDirectory: folder(), set },
        arms: [
          ["baseline", "old", target],
          ["candidate", "new", target],
        ],
      });
      const { flips } = Result.getOrThrow(done.outcome);
      assert.deepStrictEqual(flips, [
        {
          caseId: "unlucky",
          confirmed: false,
          baseline: { scored: 5, passed: 5 },
          candidate: { scored: 5, passed: 4 },
        },
        {
          caseId: "broken",
          confirmed: true,
          baseline: { scored: 5, passed: 5 },
          candidate: { scored: 5, passed: 0 },
        },
      ]);
      assert.lengthOf(calls, 6 + 2 * 2 * 4);
      const ofBroken = lines(done, 1).filter((line) => line.case_id === "broken");
      assert.deepStrictEqual(
        ofBroken.map(({ repeat }) => repeat ?? 0),
        [0, 1, 2, 3, 4],
      );
    }).pipe(Effect.scoped),
  );
});

describe("a command", () => {
  it.live("gets the input, and its answers serve no later run: its code may have changed", () =>
    Effect.gen(function* () {
      const cacheDirectory = folder();
      const set = [
        { case_id: "echo", input: "hello", expected: "HELLO" },
        { case_id: "fails", input: "fail", expected: "FAIL" },
      ];
      const target = commandTarget(
        'read -r line; [ "$line" = fail ] && { echo "no luck" >&2; exit 3; }; echo "$line" | tr a-z A-Z',
        2_000,
      );
      const done = yield* run({ cacheDirectory, set, arms: [["candidate", "", target]] });
      assert.deepStrictEqual(
        lines(done).map(({ passed, error }) => passed ?? error),
        [true, "the command failed: exit code 3 (no luck)"],
      );
      const [directory = ""] = readdirSync(cacheDirectory);
      assert.notInclude(readdirSync(join(cacheDirectory, directory)), "journal.jsonl");
    }),
  );

  it.live("that takes too long is ended with all that it started", () =>
    Effect.gen(function* () {
      // The sleeper holds the command's output, so an answer within the test's limit says that it is gone.
      const target = commandTarget("sleep 600 & wait", 200);
      const done = yield* run({
        ...{ cacheDirectory: folder(), set: cases(1), retries: 0 },
        arms: [["candidate", "", target]],
      });
      assert.match(fault(done), /no answer within 200 ms/);
    }),
  );
});
