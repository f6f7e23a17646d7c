import { type Bundle, type Routing, referenceOf } from "@sluice/contracts";

export const bundleOf = (name: string, more: Partial<Bundle> = {}): Bundle => ({
  prompt: { kind: "prompt", messages: [{ role: "system", content: `You are ${name}.` }] },
  model: { kind: "model", provider: "simulated", model: `model-${name}`, parameters: { temperature: 0 } },
  ...more,
});

const routed = (bundle: Bundle) => ({ digest: referenceOf(bundle).digest, bundle });

type Candidate = NonNullable<Routing["candidate"]>;

export const candidateOf = (bundle: Bundle, more: Partial<Candidate> = {}): Candidate => ({
  releaseId: "release-1",
  ...routed(bundle),
  share: 0,
  salt: "release-1",
  mirror: null,
  payloadSampleRate: 0,
  maxUnwatchedSeconds: 60,
  ...more,
});

export const routingOf = (version: number, more: Partial<Routing> = {}): Routing => ({
  _tag: "RoutingChanged",
  application: "support-bot",
  version,
  at: "2026-01-01T00:00:00.000Z",
  baseline: routed(bundleOf("baseline")),
  candidate: null,
  ...more,
});
