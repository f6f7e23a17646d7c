import { digestOf } from "@sluice/contracts";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Result from "effect/Result";
import { type Dispatcher, Pool } from "undici";
import { estimatedUsage, Spending } from "./judge-budget.ts";
import { JudgeError } from "./judge-error.ts";
import { type Decided, JudgeMemory } from "./judge-memory.ts";
import { type Asked, type Completion, type Question, readCompletion } from "./judge-prompt.ts";
import type { JudgeProvider, JudgeSettings } from "./judge-settings.ts";

/** A judgement is a few sentences; more is not read. */
const MAX_ANSWER_BYTES = 1_024 * 1_024;
const FIRST_DELAY_MS = 250;
/** Longer waits asked for by `retry-after` are not granted: the pair counts as a judge error instead. */
const LONGEST_DELAY_MS = 5_000;

interface Upstream {
  readonly pool: Pool;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly spending: Spending;
}

export type AskModel = <A extends Decided>(asked: Asked, question: Question<A>) => Effect.Effect<A, JudgeError>;

interface Failure {
  readonly message: string;
  /** Null when trying again cannot help. */
  readonly retryAfterMs: number | null;
}

/**
 * Asks a model over `{baseUrl}/chat/completions` with structured output. Tries again a bounded number of times after what may
 * pass; every failure is a `JudgeError`. The same question to the same judge is asked once, as long as its memory holds the
 * answer. Connections are closed with the scope.
 */
export const modelJudge = Effect.fnUntraced(function* (settings: JudgeSettings) {
  const { environment = process.env, retries = 2, connections = 16 } = settings;
  const memory = yield* JudgeMemory;
  const upstreams = new Map<string, Upstream>(
    Object.entries(settings.providers).map(([name, provider]) => [
      name,
      upstreamOf(provider, connections, environment),
    ]),
  );
  yield* Effect.addFinalizer(() =>
    Effect.promise(() => Promise.all([...upstreams.values()].map(({ pool }) => pool.destroy()))),
  );
  const complete = Effect.fnUntraced(function* <A extends Decided>(
    upstream: Upstream,
    asked: Asked,
    question: Question<A>,
  ) {
    const completion = yield* Effect.promise((signal) => ask(upstream, question.body, asked.timeoutMs, signal));
    const nowMs = yield* Clock.currentTimeMillis;
    // What was answered was paid, in whatever form it is.
    if ("usage" in completion) upstream.spending.add(asked.model, completion.usage, nowMs);
    return completion.outcome;
  });

  const askUpstream = Effect.fnUntraced(function* <A extends Decided>(asked: Asked, question: Question<A>) {
    const upstream = upstreams.get(asked.provider);
    if (!upstream)
      return yield* new JudgeError({
        message: `the judge's provider "${asked.provider}" is not among the configured ones (${[...upstreams.keys()].join(", ") || "none"})`,
      });
    const name = `judge ${asked.provider}/${asked.model}`;
    for (let attempt = 0; ; attempt++) {
      const spent = upstream.spending.fault(yield* Clock.currentTimeMillis);
      if (spent !== null) return yield* new JudgeError({ message: `${name}: ${spent}` });
      const outcome = yield* complete(upstream, asked, question);
      const answer = Result.flatMap(outcome, (judgement) =>
        // A model that answered in the wrong form may get it right when asked again.
        Result.mapError(question.read(judgement), (message): Failure => ({ message, retryAfterMs: 0 })),
      );
      if (Result.isSuccess(answer)) return answer.success;
      const { message, retryAfterMs } = answer.failure;
      if (retryAfterMs === null || attempt >= retries)
        return yield* new JudgeError({ message: `${name}: ${message} (${attempt + 1} tries)` });
      yield* Effect.sleep(Math.max(retryAfterMs, Math.min(FIRST_DELAY_MS * 2 ** attempt, LONGEST_DELAY_MS)));
    }
  });

  const askModel: AskModel = Effect.fnUntraced(function* (asked, question) {
    const { provider, model, rubric } = asked;
    const key = { judge: digestOf({ provider, model, rubric }), question: digestOf(question.body) };
    const known = yield* memory.recall(key);
    const read = Option.map(known, (decided) => question.read({ [question.field]: decided }));
    if (Option.isSome(read) && Result.isSuccess(read.value)) return read.value.success;
    const decided = yield* askUpstream(asked, question);
    yield* memory.keep(key, decided);
    return decided;
  });
  return askModel;
});

const upstreamOf = (
  provider: JudgeProvider,
  connections: number,
  environment: Readonly<Record<string, string | undefined>>,
): Upstream => {
  const url = new URL(provider.baseUrl);
  const key = provider.apiKeyEnv === undefined ? undefined : environment[provider.apiKeyEnv];
  return {
    pool: new Pool(url.origin, { connections, pipelining: 1, allowH2: false }),
    path: `${url.pathname.replace(/\/+$/, "")}/chat/completions`,
    headers: {
      ...provider.headers,
      "content-type": "application/json",
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    },
    spending: new Spending(provider.judgeBudget, provider.prices),
  };
};

interface Attempt {
  readonly outcome: Result.Result<Completion["judgement"], Failure>;
  /** Left out where nothing was answered. */
  readonly usage?: NonNullable<Completion["usage"]>;
}

/** One try. Never rejects: what went wrong is in the answer, so that an abort by the caller is all that interrupts it. */
const ask = async (upstream: Upstream, body: string, timeoutMs: number, interrupted: AbortSignal): Promise<Attempt> => {
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    const response = await upstream.pool.request({
      method: "POST",
      path: upstream.path,
      headers: upstream.headers,
      body,
      signal: AbortSignal.any([deadline, interrupted]),
    });
    const text = await boundedText(response.body);
    if (response.statusCode !== 200) return { outcome: Result.fail(refusedBy(response)) };
    return Result.match(readCompletion(text), {
      onFailure: (message): Attempt => ({
        outcome: Result.fail({ message, retryAfterMs: 0 }),
        usage: estimatedUsage(body, text),
      }),
      onSuccess: ({ judgement, usage }) => ({
        outcome: Result.succeed(judgement),
        usage: usage ?? estimatedUsage(body, text),
      }),
    });
  } catch (error) {
    const message = deadline.aborted ? `no answer within ${timeoutMs} ms` : String(error);
    return { outcome: Result.fail({ message, retryAfterMs: error instanceof TooLarge ? null : 0 }) };
  }
};

const refusedBy = ({ statusCode, headers }: Dispatcher.ResponseData): Failure => {
  const transient = statusCode === 408 || statusCode === 429 || statusCode >= 500;
  const asked = Number(headers["retry-after"]) * 1_000;
  const retryAfterMs = Number.isFinite(asked) && asked > 0 ? asked : 0;
  return {
    message: `HTTP ${statusCode}`,
    retryAfterMs: transient && retryAfterMs <= LONGEST_DELAY_MS ? retryAfterMs : null,
  };
};

class TooLarge extends Error {
  constructor() {
    super(`the judge's answer has more than ${MAX_ANSWER_BYTES} bytes`);
  }
}

const boundedText = async (body: Dispatcher.ResponseData["body"]): Promise<string> => {
  const chunks: Array<Uint8Array> = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) {
      body.destroy();
      throw new TooLarge();
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
};
