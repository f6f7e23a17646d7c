import { eld } from "eld/small";

/** Enough to tell a language by; a long answer costs no more than a paragraph. */
const CHARACTERS = 2_000;

/**
 * Whether a text may be in one of the languages (ISO 639-1). True as well where its language cannot be told: "42" and "ok"
 * are no breach. Efficient Language Detector, 60 languages by n-grams of bytes; what it calls unreliable counts as untold.
 */
export const mayBeIn = (text: string, languages: ReadonlyArray<string>): boolean => {
  const found = eld.detect(text.slice(0, CHARACTERS));
  return !found.isReliable() || languages.includes(found.language);
};
