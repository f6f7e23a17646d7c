import { lengthOfTime } from "@sluice/release/words";

// Numbers and times as people read them. Every figure on the screen is written by one of these.

const number = (digits: number) => new Intl.NumberFormat("en", { maximumFractionDigits: digits });
const whole = number(0);
const fine = number(4);

export const count = (value: number): string => whole.format(value);
export const decimal = (value: number): string =>
  Math.abs(value) >= 100 ? whole.format(value) : number(Math.abs(value) >= 1 ? 2 : 4).format(value);
/** A ratio as a percentage: 0.05 is `5 %`. */
export const percent = (ratio: number): string => `${Number((ratio * 100).toFixed(2))} %`;
export const signed = (value: number, write: (value: number) => string = decimal): string =>
  value > 0 ? `+${write(value)}` : write(value).replace("-", "−");
export const pValue = (p: number): string => (p < 0.0001 ? "< 0.0001" : fine.format(p));
/** `evidence against, as odds`: an e-value given by its natural logarithm. */
export const eValue = (logE: number): string =>
  logE > Math.log(1e6) ? "> 1,000,000" : logE < Math.log(0.01) ? "< 0.01" : number(2).format(Math.exp(logE));
export const milliseconds = (ms: number): string =>
  ms >= 1_000 ? `${decimal(ms / 1_000)} s` : `${whole.format(ms)} ms`;

/** A length of time in its two largest units: `3 min 20 s`; below ten seconds with a tenth. */
export const duration = (ms: number): string => {
  const seconds = Math.max(0, ms / 1_000);
  return seconds < 10 ? `${Number(seconds.toFixed(1))} s` : lengthOfTime(seconds);
};

const pad = (value: number, width = 2): string => String(value).padStart(width, "0");

/** Date and time where the viewer is, to the second: `2026-11-26 03:12:04`. */
export const localTime = (timestamp: string | number): string => {
  const at = new Date(timestamp);
  return `${localDate(timestamp)} ${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
};
export const localDate = (timestamp: string | number): string => {
  const at = new Date(timestamp);
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
};
export const clockTime = (timestamp: string | number): string => localTime(timestamp).slice(11);

/** The head of a digest is enough to tell two apart; the whole is in the title and can be copied. */
export const shortDigest = (digest: string): string => digest.replace(/^sha256:/u, "").slice(0, 12);

/** Times inside sentences of the record are UTC; people read them where they are. */
export const withLocalTimes = (sentence: string): string =>
  sentence.replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/gu, (instant) => localTime(instant));

export const plural = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`;
