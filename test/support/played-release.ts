import type { Bundle, Digest, ReleaseEvent } from "@sluice/contracts";
import { digestOf, digestOfBytes, referenceOf } from "@sluice/contracts";
import { simulateUsers, type UsersTally } from "@sluice/simulator";
import type { DistributedStack } from "./distributed-stack.ts";
import { until } from "./registry.ts";

const bundle = (model: string): Bundle => ({
  prompt: { kind: "prompt", messages: [{ role: "system", content: "You are the assistant of a shop." }] },
  model: { kind: "model", provider: "simulated", model, parameters: {} },
});

/** Where releases are played: all services, and a model server with `shop-1` and the candidates. */
export type PlayedOn = Pick<DistributedStack, "registry" | "registryUrl" | "gatewayUrl"> & { readonly token: string };

export const USERS_SEED = 7;

export const shares = [0.05, 0.25, 1] as const;

/** The design's way in seconds instead of minutes: policy, not another code path. */
const policy = ({ lastingStep }: ReleaseOptions) => ({
  judge: { kind: "deterministic", rules: [{ rule: "json" }] },
  shadow: { minDurationSeconds: 1, minRequests: 60, enough: "both", minPairs: 40, deadlineSeconds: 600, margin: 0.2 },
  canary: {
    windowSeconds: 1,
    steps: shares.map((share, step) => ({
      ...{ share, holdSeconds: 2 },
      minRequests: step === lastingStep ? NEVER_REACHED : share < 1 ? 3 : 30,
    })),
    holdDeadlineSeconds: 600,
    mitigationDeadlineSeconds: 120,
    maxUnwatchedSeconds: 300,
    // Whatever else the machine does is no fault of an arm.
    metrics: {
      errorRate: { ceiling: 0.1 },
      latencyP95: { onBreach: "warn" },
      quality: { margin: 0.3, sampleRate: 0.2 },
    },
  },
});

const NEVER_REACHED = 1_000_000;

interface ReleaseOptions {
  /** A step that asks for more requests than come: it ends by a breach only. */
  readonly lastingStep?: number;
  /** Nobody has evaluated it: the gate does not let it pass. */
  readonly isUngated?: boolean;
}

export interface Recorded {
  readonly event: ReleaseEvent;
  readonly accepted: boolean;
}

interface Detail {
  readonly release: { readonly phase: string };
  readonly events: ReadonlyArray<Recorded>;
}

/** An application with users of its own, whose baseline is `shop-1`. */
export class PlayedApplication {
  readonly name: string;
  readonly #stack: PlayedOn;
  readonly #leave = new AbortController();
  readonly #users: Promise<UsersTally>;
  releaseId = "";

  private constructor(stack: PlayedOn, name: string, requestsPerSecond: number) {
    this.#stack = stack;
    this.name = name;
    this.#users = simulateUsers({
      ...{
        gatewayUrl: `${stack.gatewayUrl}/v1`,
        application: name,
        requestsPerSecond,
        seed: USERS_SEED,
        streamShare: 0.2,
      },
      mix: { "single-item": 1 },
      signal: this.#leave.signal,
    });
  }

  static async register(stack: PlayedOn, name: string, requestsPerSecond = 40): Promise<PlayedApplication> {
    const baseline = await putBundle(stack, bundle("shop-1"));
    await stack.registry.call("POST", "/v1/applications", { application: name, baseline });
    // Users come once the gateway serves them: before that there is nothing to promise.
    await until(
      () => ask(stack, name).catch(() => 0),
      (status) => status === 200,
      50,
    );
    return new PlayedApplication(stack, name, requestsPerSecond);
  }

  /** Asks for a release of `model`, with results that pass the gate. */
  async request(model: string, options: ReleaseOptions = {}): Promise<void> {
    const candidate = await putBundle(this.#stack, bundle(model));
    const answer = await this.#stack.registry.call("POST", "/v1/releases", {
      ...{ application: this.name, team: "support", candidate, policy: policy(options) },
      ...(!options.isUngated && { evidence: await this.#evidenceFor(candidate.digest) }),
    });
    this.releaseId = (answer as { releaseId: string }).releaseId;
  }

  async #evidenceFor(candidate: Digest) {
    return {
      evalSet: digestOf("the promises' eval set"),
      baseline: {
        bundle: referenceOf(bundle("shop-1")).digest,
        results: await putBytes(this.#stack, results(10)),
      },
      candidate: { bundle: candidate, results: await putBytes(this.#stack, results(20)) },
      producedAt: new Date().toISOString(),
    };
  }

  async detail(): Promise<Detail> {
    return (await this.#stack.registry.call("GET", `/v1/releases/${this.releaseId}`)) as Detail;
  }

  /** Waits until the record holds an event, whatever is down meanwhile. */
  async until(type: ReleaseEvent["_tag"], step?: number): Promise<void> {
    await until(
      () => this.detail().catch(() => null),
      (detail) =>
        detail?.events.some(
          ({ event, accepted }) =>
            accepted && event._tag === type && (step === undefined || ("step" in event && event.step === step)),
        ) ?? false,
      100,
    );
  }

  /** Its users leave; what they met. */
  leave(): Promise<UsersTally> {
    this.#leave.abort();
    return this.#users;
  }
}

/** Case results of which one in `failEvery` fails. */
const results = (failEvery: number): string =>
  Array.from({ length: 60 }, (_, i) =>
    JSON.stringify({ case_id: `case-${i}`, slice: "all", safety: false, score: i % failEvery === 0 ? 0 : 1 }),
  ).join("\n");

const putBundle = async (stack: PlayedOn, stored: Bundle) => {
  for (const part of Object.values(stored)) await stack.registry.call("PUT", "/v1/artifacts", part);
  return referenceOf(stored);
};

const putBytes = async (stack: PlayedOn, content: string): Promise<Digest> => {
  const response = await fetch(`${stack.registryUrl}/v1/artifacts`, {
    method: "PUT",
    headers: { authorization: `Bearer ${stack.token}`, "content-type": "application/octet-stream" },
    body: content,
  });
  if (!response.ok) throw new Error(`PUT /v1/artifacts: ${response.status} ${await response.text()}`);
  return digestOfBytes(content);
};

const ask = async (stack: PlayedOn, model: string): Promise<number> => {
  const response = await fetch(`${stack.gatewayUrl}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "Hello" }] }),
  });
  await response.text();
  return response.status;
};
