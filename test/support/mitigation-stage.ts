import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { digestOfBytes, epochMsOf, type ReleaseEvent, referenceOf } from "@sluice/contracts";
import { webhookChannels } from "@sluice/pager";
import { type ModelServer, startModelServer, startWebhookReceiver, type WebhookReceiver } from "@sluice/simulator";
import { embeddedStack } from "@sluice/stack";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as References from "effect/References";
import * as Result from "effect/Result";
import * as Scope from "effect/Scope";
import { broken, candidateBundle, steady } from "./breakable-model.ts";
import { registryAt, until } from "./registry.ts";

/** What users met, told by the clients that sent the requests. */
interface Answer {
  readonly arm: string;
  readonly status: number;
  readonly atMs: number;
}

export interface MitigatedRelease {
  /** From the first bad answer to the last answer of the candidate, by the clients' clock. */
  readonly exposureMs: number;
  /** Bad answers that users had from the candidate. */
  readonly badAnswers: number;
  /** From the breach's event to the last gateway's acknowledgement of the pin. */
  readonly acknowledgedMs: number;
  readonly acknowledged: ReadonlyArray<string>;
  readonly events: ReadonlyArray<ReleaseEvent>;
  /** Answers of the candidate to requests of the second after the mitigation was confirmed. */
  readonly answersAfter: number;
}

/** Closed windows of 5 s; the 5 % step lasts until something happens. */
const policy = {
  shadow: { minDurationSeconds: 1, minRequests: 1, minPairs: 20 },
  canary: {
    windowSeconds: 5,
    steps: [
      { share: 0.05, holdSeconds: 3_600, minRequests: 1 },
      { share: 1, holdSeconds: 3_600, minRequests: 1 },
    ],
    metrics: { quality: { sampleRate: 0 } },
  },
};

/** The embedded stack with a fleet of gateways and a model server whose candidate can be broken while users talk to it. */
export class MitigationStage {
  readonly #models: Record<string, typeof steady>;
  readonly #closers: ReadonlyArray<() => Promise<unknown>>;
  readonly #registry: string;
  readonly #gateways: ReadonlyArray<string>;
  readonly pages: WebhookReceiver;

  static async open(gateways: number): Promise<MitigationStage> {
    const directory = await mkdtemp(join(tmpdir(), "sluice-mitigation-"));
    const models: Record<string, typeof steady> = { "m-old": steady, "m-new": steady };
    const server: ModelServer = await startModelServer({ port: 0, seed: 1, models });
    const pages = await startWebhookReceiver();
    const providers = { simulated: { baseUrl: server.baseUrl } };
    const scope = Effect.runSync(Scope.make());
    const tokens = (["ci", "approver", "operator"] as const).map((role) => ({
      tokenDigest: digestOfBytes(role),
      id: role,
      role,
    }));
    const stack = await Effect.runPromise(
      embeddedStack({
        directory,
        registry: { port: 0, tokens },
        gateway: { port: 0, providers },
        furtherGateways: gateways - 1,
        controller: {},
        shadowJudge: {},
        judge: { providers },
        channels: Result.getOrThrow(webhookChannels(pages.url, {})),
      }).pipe(Scope.provide(scope), Effect.provideService(References.MinimumLogLevel, "Error")),
    );
    const closers = [
      () => Effect.runPromise(Scope.close(scope, Exit.void)),
      () => server.close(),
      () => pages.close(),
      () => rm(directory, { recursive: true, force: true }),
    ];
    return new MitigationStage(
      models,
      closers,
      stack.registryAddress,
      [stack.gatewayAddress, ...stack.furtherGatewayAddresses],
      pages,
    );
  }

  private constructor(
    models: Record<string, typeof steady>,
    closers: ReadonlyArray<() => Promise<unknown>>,
    registry: string,
    gateways: ReadonlyArray<string>,
    pages: WebhookReceiver,
  ) {
    this.#models = models;
    this.#closers = closers;
    this.#registry = registry;
    this.#gateways = gateways;
    this.pages = pages;
  }

  async close(): Promise<void> {
    for (const close of this.#closers) await close();
  }

  /** One release from its request to its rollback; `phaseMs` after the canary began half of the candidate's answers fail. */
  async breakAtFivePerCent(application: string, requestsPerSecond: number, phaseMs: number): Promise<MitigatedRelease> {
    this.#models["m-new"] = steady;
    const answers: Array<Answer> = [];
    const releaseId = await this.#requestPastTheGate(application);
    const users = this.#startUsers(application, requestsPerSecond, answers);
    try {
      await until(
        () => this.#eventsOf(releaseId),
        (events) => events.some(({ _tag }) => _tag === "CanaryStepStarted"),
      );
      await until(
        async () => answers.some(({ arm }) => arm === "candidate"),
        (served) => served,
        10,
      );
      await delay(phaseMs);
      this.#models["m-new"] = broken;
      const events = await until(
        () => this.#eventsOf(releaseId),
        (told) => told.some(({ _tag }) => _tag === "PageResolved"),
      );
      // What is still under way must have its time to show.
      await delay(1_000);
      return mitigated(events, answers);
    } finally {
      await users.stop();
    }
  }

  /** Without evidence the gate finds it invalid; overridden, it goes to its shadow. */
  async #requestPastTheGate(application: string): Promise<string> {
    const [ci, approver, operator] = ["ci", "approver", "operator"].map((token) => registryAt(this.#registry, token));
    if (!ci || !approver || !operator) throw new Error("three people are needed");
    const [baseline, candidate] = [candidateBundle("m-old"), candidateBundle("m-new")];
    for (const part of [...Object.values(baseline), ...Object.values(candidate)])
      await ci.call("PUT", "/v1/artifacts", part);
    await operator.call("POST", "/v1/applications", { application, baseline: referenceOf(baseline) });
    const answer = await ci.call("POST", "/v1/releases", {
      application,
      candidate: referenceOf(candidate),
      team: "t",
      policy,
    });
    const { releaseId } = answer as { releaseId: string };
    await until(
      () => this.#eventsOf(releaseId),
      (events) => events.some(({ _tag }) => _tag === "OfflineGateInvalid"),
    );
    await approver.call("POST", `/v1/releases/${releaseId}/override`, { reason: "to see its canary" });
    return releaseId;
  }

  async #eventsOf(releaseId: string): Promise<ReadonlyArray<ReleaseEvent>> {
    const body = await registryAt(this.#registry, "ci").call("GET", `/v1/releases/${releaseId}`);
    const { events } = body as { events: ReadonlyArray<{ accepted: boolean; event: ReleaseEvent }> };
    return events.flatMap(({ accepted, event }) => (accepted ? [event] : []));
  }

  /** Every request is of another user, and they come by all gateways in turn. */
  #startUsers(application: string, requestsPerSecond: number, answers: Array<Answer>) {
    const underWay = new Set<Promise<void>>();
    let sent = 0;
    const startedAt = performance.now();
    const ask = async (gateway: string) => {
      const response = await fetch(`${gateway}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-sluice-user": randomUUID() },
        body: JSON.stringify({
          model: application,
          messages: [{ role: "user", content: `Order ${sent}: 2 lamps at 3 EUR each. What is the total?` }],
        }),
      });
      await response.text();
      const arm = response.headers.get("x-sluice-arm") ?? "none";
      answers.push({ arm, status: response.status, atMs: Date.now() });
    };
    const timer = setInterval(() => {
      const due = Math.floor(((performance.now() - startedAt) / 1_000) * requestsPerSecond);
      for (; sent < due; sent++) {
        const gateway = this.#gateways[sent % this.#gateways.length] ?? "";
        const asked: Promise<void> = ask(gateway).finally(() => underWay.delete(asked));
        underWay.add(asked);
      }
    }, 5);
    return {
      stop: async () => {
        clearInterval(timer);
        await Promise.allSettled(underWay);
      },
    };
  }
}

const mitigated = (events: ReadonlyArray<ReleaseEvent>, answers: ReadonlyArray<Answer>): MitigatedRelease => {
  const breach = events.find((event) => event._tag === "CanaryBreached");
  const confirmed = events.find((event) => event._tag === "MitigationConfirmed");
  if (!breach || !confirmed) throw new Error(`no mitigation in ${events.map(({ _tag }) => _tag).join()}`);
  const ofCandidate = answers.filter(({ arm }) => arm === "candidate");
  const bad = ofCandidate.filter(({ status }) => status >= 500);
  const last = Math.max(...ofCandidate.map(({ atMs }) => atMs));
  return {
    exposureMs: last - Math.min(...bad.map(({ atMs }) => atMs)),
    badAnswers: bad.length,
    acknowledgedMs:
      Math.max(...confirmed.gateways.map(({ acknowledgedAt }) => epochMsOf(acknowledgedAt))) - epochMsOf(breach.at),
    acknowledged: confirmed.gateways.map(({ gatewayId }) => gatewayId),
    events,
    answersAfter: ofCandidate.filter(({ atMs }) => atMs > epochMsOf(confirmed.at)).length,
  };
};
