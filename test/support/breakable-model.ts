import type { Bundle } from "@sluice/contracts";

/** A simulated model that does what it is asked; broken, half of its answers are errors. */
export const steady = {
  wrongRate: { otherwise: 0 },
  proseRate: { otherwise: 0 },
  leakRate: 0,
  overRefusalRate: 0,
  errorRate: 0,
  latencyMedianMs: 20,
  latencySigma: 0.2,
  capacityPerSecond: null,
};
export const broken = { ...steady, errorRate: 0.5 };

export const candidateBundle = (model: string): Bundle => ({
  prompt: { kind: "prompt", messages: [{ role: "system", content: "Answer." }] },
  model: { kind: "model", provider: "simulated", model, parameters: {} },
});
