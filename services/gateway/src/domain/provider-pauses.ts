const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** A provider may ask for longer; then it will say so again. */
const LONGEST_ASKED_MS = 600_000;

interface Pause {
  untilMs: number;
  /** How long the next one is, where the provider does not say. */
  nextMs: number;
}

/**
 * Which providers have lately said 429, to users or to mirrored calls: both use the same key, so a shadow that went on
 * would take the room that users need.
 */
export class ProviderPauses {
  readonly #pauses = new Map<string, Pause>();

  isPaused(provider: string, nowMs: number): boolean {
    return nowMs < (this.#pauses.get(provider)?.untilMs ?? 0);
  }

  /** Until when each provider is left alone, or was (epoch milliseconds). */
  get untilMs(): ReadonlyMap<string, number> {
    return new Map([...this.#pauses].map(([provider, { untilMs }]) => [provider, untilMs]));
  }

  /** `retryAfterMs` is what the provider asked for; null: it did not say. */
  rateLimited(provider: string, retryAfterMs: number | null, nowMs: number): void {
    const { untilMs, nextMs } = this.#pauses.get(provider) ?? { untilMs: 0, nextMs: FIRST_PAUSE_MS };
    // Answers to calls that were under way when the pause began say the same thing again.
    const isNew = nowMs >= untilMs;
    const asked = retryAfterMs === null ? (isNew ? nextMs : 0) : Math.min(retryAfterMs, LONGEST_ASKED_MS);
    this.#pauses.set(provider, {
      untilMs: Math.max(untilMs, nowMs + asked),
      nextMs: isNew ? Math.min(2 * nextMs, LONGEST_PAUSE_MS) : nextMs,
    });
  }

  /** A mirrored call was answered: the next pause is a short one again. */
  answered(provider: string, nowMs: number): void {
    if (!this.isPaused(provider, nowMs)) this.#pauses.delete(provider);
  }
}

/** Milliseconds that a `retry-after` header asks for (RFC 9110: seconds or a date); null where it says nothing. */
export const retryAfterMsOf = (header: string | undefined, nowMs: number): number | null => {
  if (header === undefined || header.trim() === "") return null;
  const seconds = Number(header);
  const ms = Number.isNaN(seconds) ? Date.parse(header) - nowMs : seconds * 1_000;
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
};
