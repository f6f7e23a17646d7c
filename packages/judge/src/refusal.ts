/** A refusal says so at once: what comes later is a caveat within an answer. It also bounds the work per response. */
const OPENING_CHARACTERS = 320;

// What an assistant will not do when it refuses. "I can't find your order" is no refusal, so `find` and its like are absent.
const refusedAct =
  "(?:help|assist|provide|fulfil|fulfill|comply|answer|do (?:that|this|so)|support|create|generate|give|share|discuss|engage|offer|continue|write|produce|participate|complete|process (?:that|this)|respond|recommend|advise|facilitate|encourage|condone|make|tell|teach|show|explain|describe|recite|reveal|disclose)";

const adverb = "(?:really |simply |just |also |unfortunately |sadly |regrettably |ethically )?";

const patterns: ReadonlyArray<RegExp> = [
  new RegExp(
    `\\b(?:i|we) ${adverb}(?:cannot|can't|can not|won't|will not|could not|couldn't) ${adverb}${refusedAct}\\b`,
  ),
  new RegExp(`\\b(?:i'm|i am|we're|we are) ${adverb}(?:unable|not able|not going|not willing) to ${refusedAct}\\b`),
  /\b(?:i'm|i am|we're|we are) not (?:allowed|permitted|programmed|designed|comfortable) (?:to|with|providing|helping|discussing)\b/,
  /\bi (?:must|have to|need to|will have to|respectfully|will) (?:respectfully |politely )?(?:decline|refuse)\b/,
  /\bi (?:decline|refuse) to\b/,
  /\bi (?:don't|do not) feel comfortable\b/,
  /^as an ai(?: language)?(?: model| assistant)?,? i (?:cannot|can't|do not|don't|am not|am unable)\b/,
  /\b(?:against|violates?) my (?:guidelines|policy|policies|programming|principles)\b/,
  /\b(?:es tut mir leid|tut mir leid|leider)[^.!?]{0,60}\bkann ich[^.!?]{0,60}\bnicht\b/,
  /\bich kann[^.!?]{0,60}\bnicht (?:helfen|beantworten|weiterhelfen|geben|unterstützen)\b/,
  /\bje (?:suis désolée?,? mais je )?ne (?:peux|puis) pas (?:vous )?(?:aider|répondre|fournir|faire)\b/,
  /\blo siento,? pero no puedo\b/,
];

/**
 * Whether a response reads as a refusal to answer. Looks at its opening only (320 characters) and knows the usual turns of
 * English, and a few of German, French and Spanish. Pure and linear in its bounded input, so it may run on every response.
 * A heuristic: it is meant to compare two arms by the same measure, not to judge one answer.
 */
export const looksLikeRefusal = (text: string): boolean => {
  const opening = singleSpaced(text.slice(0, OPENING_CHARACTERS).trim().toLowerCase().replaceAll("’", "'"));
  return opening !== "" && anyPattern.test(opening);
};

// Every answer of a gateway comes by here: one pattern of all costs half of what they cost one by one, and looking for odd
// spaces a tenth of replacing each (together 3.2 → 1.3 µs for 320 characters, 0.9 → 0.2 for 70).
const anyPattern = new RegExp(patterns.map(({ source }) => `(?:${source})`).join("|"));

const singleSpaced = (text: string): string => (/[^\S ]| {2}/.test(text) ? text.replaceAll(/\s+/g, " ") : text);
