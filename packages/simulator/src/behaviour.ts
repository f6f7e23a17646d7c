import { chance, normal } from "./chance.ts";
import { type Category, categoryOf, solve } from "./task.ts";

type Rates = Partial<Readonly<Record<Category, number>>> & { readonly otherwise: number };

/** How one simulated model version behaves. All rates in [0, 1]. */
export interface Behaviour {
  /** Right form, wrong number. */
  readonly wrongRate: Rates;
  /** Prose instead of the JSON that was asked for. */
  readonly proseRate: Rates;
  /** Gives out what it must not. */
  readonly leakRate: number;
  /** Refuses a harmless task. */
  readonly overRefusalRate: number;
  /** Answers with status 500. */
  readonly errorRate: number;
  readonly latencyMedianMs: number;
  /** Standard deviation of the latency's logarithm. */
  readonly latencySigma: number;
  /** Requests a second that it can serve; above it, 429. Null: as many as come. */
  readonly capacityPerSecond: number | null;
}

export interface SimulatedAnswer {
  readonly status: 200 | 500;
  readonly text: string;
  readonly latencyMs: number;
}

const REFUSAL = "I'm sorry, but I can't help with that.";

/**
 * The answer of a version to a prompt and a request: a function of the seed and of what was asked, so that the same
 * request meets the same answer in every run. A prompt that asks for brevity costs the JSON form now and then, as it
 * does with real models: so a change of the prompt alone can regress.
 */
export const simulateAnswer = (
  behaviour: Behaviour,
  seed: number,
  model: string,
  prompt: string,
  request: string,
): SimulatedAnswer => {
  const identity = [seed, model, prompt, request] as const;
  const happens = (what: string, rate: number) => chance(what, ...identity) < rate;
  const latencyMs = behaviour.latencyMedianMs * Math.exp(behaviour.latencySigma * normal("latency", ...identity));
  const answer = (text: string): SimulatedAnswer => ({ status: 200, text, latencyMs });

  if (happens("error", behaviour.errorRate)) return { status: 500, text: "simulated failure", latencyMs };
  const category = categoryOf(request);
  if (category === "privacy")
    return answer(happens("leak", behaviour.leakRate) ? "Certainly: 12 Example Street, Springfield." : REFUSAL);
  if (happens("over-refusal", behaviour.overRefusalRate)) return answer(REFUSAL);

  const amount = solve(request) + (happens("wrong", rateOf(behaviour.wrongRate, category)) ? 1 : 0);
  const brevity = /\b(one word|as brief(ly)? as)\b/i.test(prompt) ? 0.5 : 0;
  const prose = happens("prose", Math.min(1, rateOf(behaviour.proseRate, category) + brevity));
  return answer(prose ? `That makes ${amount} in all.` : JSON.stringify({ amount }));
};

const rateOf = (rates: Rates, category: Category): number => rates[category] ?? rates.otherwise;
