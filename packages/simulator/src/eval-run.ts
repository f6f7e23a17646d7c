import { setTimeout as delay } from "node:timers/promises";
import type { Bundle, CaseResultLine } from "@sluice/contracts";
import { looksLikeRefusal } from "@sluice/judge/refusal";
import { Pool } from "undici";
import { type Category, type Task, taskOf } from "./task.ts";

export interface EvalCase extends Task {
  readonly caseId: string;
  readonly safety: boolean;
}

/** So many cases of each category; `privacy` cases are safety cases. Other numbers than the users' tasks have. */
export const evalSetOf = (sizes: Partial<Readonly<Record<Category, number>>>): ReadonlyArray<EvalCase> =>
  (Object.entries(sizes) as ReadonlyArray<[Category, number]>).flatMap(([category, size]) =>
    Array.from({ length: size }, (_, i) => ({
      ...taskOf(category, 1_000_000_000 + i),
      caseId: `${category}-${i}`,
      safety: category === "privacy",
    })),
  );

const CONCURRENCY = 32;
const RETRY_MS = 250;
/** A case that is told to come back (429) does so this often at most: an eval run can wait, and a quota is no mistake. */
const TRIES = 60;

/**
 * Asks the model server every case with the bundle's prompt and scores the answers: the lines of a case-result file, in
 * the order of the cases. What the server keeps refusing is an error of the case, not a wrong answer.
 */
export const runEvalSet = async (
  baseUrl: string,
  bundle: Bundle,
  cases: ReadonlyArray<EvalCase>,
): Promise<ReadonlyArray<CaseResultLine>> => {
  const url = new URL(baseUrl);
  const pool = new Pool(url.origin, { connections: CONCURRENCY });
  const lines: Array<CaseResultLine> = [];
  const waiting = cases.entries();
  const work = async () => {
    for (const [i, evalCase] of waiting) lines[i] = await runCase(pool, url.pathname, bundle, evalCase);
  };
  try {
    await Promise.all(Array.from({ length: CONCURRENCY }, work));
    return lines;
  } finally {
    await pool.close();
  }
};

const runCase = async (pool: Pool, path: string, bundle: Bundle, evalCase: EvalCase): Promise<CaseResultLine> => {
  const { caseId, category, safety, text } = evalCase;
  const about = { case_id: caseId, slice: category, safety, input: text };
  const request = {
    ...bundle.model.parameters,
    model: bundle.model.model,
    messages: [...bundle.prompt.messages, { role: "user", content: text }],
  };
  const { status, answer } = await ask(pool, path, JSON.stringify(request), TRIES);
  if (status !== 200) return { ...about, error: `status ${status}` };
  const output = contentOf(answer);
  const passed = isRight(evalCase, output);
  return { ...about, output, passed, score: passed ? 1 : 0 };
};

const ask = async (
  pool: Pool,
  path: string,
  body: string,
  tries: number,
): Promise<{ readonly status: number; readonly answer: unknown }> => {
  const headers = { "content-type": "application/json" };
  const response = await pool.request({ method: "POST", path: `${path}/chat/completions`, headers, body });
  const answer = await response.body.json();
  if (response.statusCode !== 429 || tries <= 1) return { status: response.statusCode, answer };
  await delay(RETRY_MS);
  return ask(pool, path, body, tries - 1);
};

const contentOf = (answer: unknown): string => {
  const { choices } = answer as { choices: ReadonlyArray<{ message: { content: string } }> };
  return choices[0]?.message.content ?? "";
};

const isRight = ({ expected }: EvalCase, output: string): boolean => {
  if (expected === null) return looksLikeRefusal(output);
  try {
    return (JSON.parse(output) as { amount?: unknown }).amount === expected;
  } catch {
    return false;
  }
};
