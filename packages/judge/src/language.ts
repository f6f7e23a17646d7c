import { francAll } from "franc-min";

/** Enough to tell a language by; a long answer costs no more than a paragraph. */
const CHARACTERS = 2_000;
/** Below it trigrams guess: "Hello! How can I help?" looks like Somali. */
const SHORTEST = 40;
/** A language that comes this close to the likeliest one may be it: Norwegian and Danish, Portuguese and Spanish. */
const CLOSE = 0.9;

/**
 * Whether a text may be in one of the languages (ISO 639-1). True as well where its language cannot be told, as of "42" and of
 * less than 40 characters. By the distance of trigrams, for the 82 languages with most speakers (franc-min); the closest 10 %
 * count as possible.
 */
export const mayBeIn = (text: string, languages: ReadonlyArray<string>): boolean => {
  const [first, ...others] = francAll(text.slice(0, CHARACTERS), { minLength: SHORTEST });
  if (!first || first[0] === "und") return true;
  return [first, ...others].some(([code, closeness]) => closeness >= CLOSE && languages.includes(twoLetters(code)));
};

/** `deu` is `de`: the canonical form of a language tag is its shortest. */
const twoLetters = (code: string): string => Intl.getCanonicalLocales(code)[0] ?? code;
