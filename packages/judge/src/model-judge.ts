import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { type Dispatcher, Pool } from "undici";
import type { Judged } from "./judge.ts";
import { JudgeError } from "./judge-error.ts";
import { judgeRequest, type ModelSpecification, readJudgement } from "./judge-prompt.ts";
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
}

interface Failure {
  readonly message: string;
  /** Null when trying again cannot help. */
  readonly retryAfterMs: number | null;
}

/**
 * Scores by asking a model over `{baseUrl}/chat/completions` with structured output. Tries again a bounded number of times
 * after what may pass; every failure is a `JudgeError`. Connections are closed with the scope.
 */
export const modelJudge = Effect.fnUntraced(function* (settings: JudgeSettings) {
  const { environment = process.env, retries = 2, connections = 16 } = settings;
  const upstreams = new Map<string, Upstream>(
    Object.entries(settings.providers).map(([name, provider]) => [
      name,
      upstreamOf(provider, connections, environment),
    ]),
  );
  yield* Effect.addFinalizer(() =>
    Effect.promise(() => Promise.all([...upstreams.values()].map(({ pool }) => pool.destroy()))),
  );

  return Effect.fnUntraced(function* (specification: ModelSpecification, judged: Judged) {
    const upstream = upstreams.get(specification.provider);
    if (!upstream)
      return yield* new JudgeError({
        message: `the judge's provider "${specification.provider}" is not among the configured ones (${[...upstreams.keys()].join(", ") || "none"})`,
      });
    const body = JSON.stringify(judgeRequest(specification, judged));
    for (let attempt = 0; ; attempt++) {
      const answer = yield* Effect.promise((signal) => ask(upstream, body, specification.timeoutMs, signal));
      if (Result.isSuccess(answer)) return answer.success;
      const { message, retryAfterMs } = answer.failure;
      if (retryAfterMs === null || attempt >= retries)
        return yield* new JudgeError({
          message: `judge ${specification.provider}/${specification.model}: ${message} (${attempt + 1} tries)`,
        });
      yield* Effect.sleep(Math.max(retryAfterMs, Math.min(FIRST_DELAY_MS * 2 ** attempt, LONGEST_DELAY_MS)));
    }
  });
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
  };
};

/** One try. Never rejects: what went wrong is in the answer, so that an abort by the caller is all that interrupts it. */
const ask = async (
  upstream: Upstream,
  body: string,
  timeoutMs: number,
  interrupted: AbortSignal,
): Promise<Result.Result<number, Failure>> => {
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
    if (response.statusCode !== 200) return Result.fail(refusedBy(response));
    return Result.match(readJudgement(text), {
      // A model that answered in the wrong form may get it right when asked again.
      onFailure: (message) => Result.fail({ message, retryAfterMs: 0 }),
      onSuccess: ({ score }) => Result.succeed(score),
    });
  } catch (error) {
    const message = deadline.aborted ? `no answer within ${timeoutMs} ms` : String(error);
    return Result.fail({ message, retryAfterMs: error instanceof TooLarge ? null : 0 });
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
