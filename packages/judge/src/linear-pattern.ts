import * as Result from "effect/Result";
import { RE2JS, RE2JSException } from "re2js";

/** Compiled patterns kept: a policy has a handful. */
const CACHE_LIMIT = 256;
/** A pattern longer than this is a mistake, and its compilation would be felt. */
const PATTERN_LIMIT = 2_000;

type Matches = (text: string) => boolean;

const cache = new Map<string, Result.Result<Matches, string>>();

/**
 * A pattern whose matching takes time linear in the text, whatever the pattern: policies and responses come from others,
 * and JavaScript's own engine can be stalled for ever by `(a+)+$`. Syntax is RE2's (no look-around, no back-references);
 * the pattern is searched for anywhere in the text. Fails with one sentence when it is not valid.
 */
export const linearPattern = (pattern: string): Result.Result<Matches, string> => {
  const known = cache.get(pattern);
  if (known) return known;
  const compiled = compile(pattern);
  if (cache.size >= CACHE_LIMIT) cache.clear();
  cache.set(pattern, compiled);
  return compiled;
};

const compile = (pattern: string): Result.Result<Matches, string> => {
  if (pattern.length > PATTERN_LIMIT)
    return Result.fail(`the pattern has ${pattern.length} characters; use at most ${PATTERN_LIMIT}`);
  try {
    const expression = RE2JS.compile(pattern);
    return Result.succeed((text) => expression.matcher(text).find());
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    return Result.fail(`the pattern ${JSON.stringify(pattern)} is not an RE2 expression: ${error.message}`);
  }
};
