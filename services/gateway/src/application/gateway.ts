import { type Cluster, clusterKeyOf, clusterOf } from "@sluice/assignment";
import {
  type ApplicationName,
  type GatewayReport,
  type Observation,
  type Routing,
  timestampOf,
} from "@sluice/contracts";
import type { RedactionRule } from "@sluice/contracts/redaction";
import * as Result from "effect/Result";
import { type ArmChoice, chooseArm, chooseArmByName } from "../domain/arm-choice.ts";
import type { ClusterSourcesReader, Headers } from "../domain/cluster-sources.ts";
import { type Endpoint, isJsonObject, type JsonObject } from "../domain/endpoint.ts";
import type { ObservationBuffer } from "../domain/observation-buffer.ts";
import { invalidRequest, modelNotFound, type OpenAiError } from "../domain/openai-error.ts";
import type { Outcome, RefusalDetector } from "../domain/outcome.ts";
import { MAX_READ_LENGTH, payloadText, requestText } from "../domain/payload-text.ts";
import { type Rendered, render } from "../domain/render.ts";
import type { KnownRouting, RoutingTable } from "../domain/routing-table.ts";
import { isSampled } from "../domain/sampling.ts";
import { askingForUsage } from "../domain/stream-usage.ts";
import { internalError, noCandidate, notReady, wrongArm, wrongKey } from "../domain/turned-away.ts";
import { requestHeaders } from "../domain/upstream-headers.ts";
import type { Client } from "./client-port.ts";
import { Exchange } from "./exchange.ts";
import type { Metrics } from "./metrics.ts";
import type { Shadow } from "./shadow-port.ts";
import { type ProviderUpstreams, type Upstreams, unreachable } from "./upstream-port.ts";

export interface GatewayOptions {
  readonly gatewayId: string;
  /** Different in every life of a gateway: request ids are built on it. */
  readonly bootId: string;
  readonly clusterSources: ClusterSourcesReader;
  readonly clusterKeySecret: string;
  readonly maxAnswerBytes: number;
  readonly redaction: ReadonlyArray<RedactionRule>;
  readonly looksLikeRefusal: RefusalDetector;
  /** Whether a presented key is the testers'. */
  readonly isProbeKey: (key: string) => boolean;
}

export interface GatewayParts {
  readonly table: RoutingTable;
  readonly upstreams: Upstreams;
  readonly observations: ObservationBuffer;
  readonly shadow: Shadow;
  readonly metrics: Metrics;
}

export interface IncomingRequest {
  readonly endpoint: Endpoint;
  readonly headers: Headers;
  readonly body: Buffer;
  /** `performance.now()` when it came. */
  readonly arrivedMs: number;
}

/** Everything known about a request once it has an arm. */
interface Served {
  readonly requestId: string;
  /** Its number in this life of the gateway. */
  readonly sequence: number;
  readonly request: IncomingRequest;
  readonly body: JsonObject;
  readonly known: KnownRouting;
  readonly cluster: Cluster;
  readonly choice: ArmChoice;
  readonly rendered: Rendered;
  readonly provider: ProviderUpstreams;
  readonly withholdsUsage: boolean;
  readonly startedAtMs: number;
}

/** The data plane: from a parsed HTTP request to the arm and back. Plain functions, because every request runs them. */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #parts: GatewayParts;
  readonly #candidateLastServedMs = new Map<ApplicationName, number>();
  #sequence = 0;
  #underWay = 0;
  #ready = false;

  constructor(options: GatewayOptions, parts: GatewayParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /** Requests that have not had their answer yet. */
  get underWay(): number {
    return this.#underWay;
  }

  /** The bus or the disk has told which applications there are: from now on an unknown one does not exist. */
  markReady(): void {
    this.#ready = true;
  }

  get isReady(): boolean {
    return this.#ready || this.#parts.table.size > 0;
  }

  /** A service has told that it served the candidate itself: by the time of the report, lest its clock end a mitigation. */
  candidateServedElsewhere(application: ApplicationName, nowMs: number): void {
    this.#candidateLastServedMs.set(application, nowMs);
  }

  get candidateLastServedAt(): GatewayReport["candidateLastServedAt"] {
    return Object.fromEntries([...this.#candidateLastServedMs].map(([name, ms]) => [name, timestampOf(ms)]));
  }

  handle(request: IncomingRequest, client: Client): void {
    const served = this.#prepared(request);
    if (Result.isFailure(served)) {
      this.#turnAway(client, served.failure);
      return;
    }
    this.#serve(served.success, client);
  }

  /** One request that nobody thought of must not end the process, and with it everybody else's. */
  #prepared(request: IncomingRequest): Result.Result<Served, OpenAiError> {
    try {
      return this.#prepare(request);
    } catch {
      return Result.fail(internalError);
    }
  }

  #turnAway(client: Client, error: OpenAiError): void {
    this.#parts.metrics.turnedAway(error.status);
    client.fail(error, []);
  }

  #prepare(request: IncomingRequest): Result.Result<Served, OpenAiError> {
    const body = parsedBody(request.body);
    if (!body) return Result.fail(invalidRequest("The request body must be a JSON object."));
    const { model } = body;
    if (typeof model !== "string" || model === "") {
      return Result.fail(invalidRequest("Missing required parameter: 'model' must name an application.", "model"));
    }
    const known = this.#parts.table.get(model);
    if (!known) return Result.fail(this.isReady ? modelNotFound(model.slice(0, 100)) : notReady);
    this.#sequence += 1;
    const requestId = `${this.#options.bootId}-${this.#sequence.toString(36)}`;
    const startedAtMs = Date.now();
    const cluster = clusterOf(this.#options.clusterSources(request.headers, body, requestId));
    const choice = this.#choose(request.headers, known, cluster, startedAtMs);
    if (Result.isFailure(choice)) return Result.fail(choice.failure);
    // A bundle whose provider nobody configured cannot be reached: that is an error of its arm, and must be seen as one.
    const provider = this.#parts.upstreams.get(choice.success.bundle.model.provider) ?? unreachable;
    const asking = provider.streamUsage ? askingForUsage(request.endpoint, body) : null;
    const rendered = render(choice.success.bundle, request.endpoint, asking ?? body, provider.retrievalIndexField);
    if (Result.isFailure(rendered)) return Result.fail(rendered.failure);
    return Result.succeed({
      requestId,
      sequence: this.#sequence,
      request,
      body,
      known,
      cluster,
      choice: choice.success,
      rendered: rendered.success,
      provider,
      withholdsUsage: asking !== null,
      startedAtMs,
    });
  }

  #choose(
    headers: Headers,
    known: KnownRouting,
    cluster: Cluster,
    nowMs: number,
  ): Result.Result<ArmChoice, OpenAiError> {
    const key = headers["x-sluice-key"];
    const arm = headers["x-sluice-arm"];
    // Without a key the header is nobody's: some clients send back what they were sent.
    if (typeof key === "string" && arm !== undefined) {
      if (!this.#options.isProbeKey(key)) return Result.fail(wrongKey);
      if (arm !== "baseline" && arm !== "candidate") return Result.fail(wrongArm);
      const choice = chooseArmByName(known, arm);
      return choice ? Result.succeed(choice) : Result.fail(noCandidate(known.routing.application));
    }
    const choice = chooseArm(known, cluster.key, nowMs);
    if (choice.withheld) this.#parts.metrics.unwatched += 1;
    return Result.succeed(choice);
  }

  #serve(served: Served, client: Client): void {
    const { choice, rendered, request, provider } = served;
    const { application } = served.known.routing;
    if (choice.arm === "candidate") this.#candidateLastServedMs.set(application, served.startedAtMs);
    const headers = requestHeaders(request.headers, provider, rendered.retrievalIndex);
    this.#underWay += 1;
    new Exchange(
      {
        endpoint: request.endpoint,
        upstreams: provider.of[choice.arm],
        connectionRetries: provider.connectionRetries,
        headers,
        body: rendered.body,
        ownHeaders: ownHeaders(served),
        maxAnswerBytes: this.#options.maxAnswerBytes,
        withholdsUsage: served.withholdsUsage,
        ownsKey: !provider.passAuthorization,
        looksLikeRefusal: this.#options.looksLikeRefusal,
        price: provider.prices[choice.bundle.model.model],
        startedMs: request.arrivedMs,
      },
      client,
      (outcome) => {
        this.#underWay -= 1;
        this.#record(served, outcome);
      },
    ).start();
  }

  #record(served: Served, outcome: Outcome): void {
    const { choice, known, requestId } = served;
    const { application, candidate } = known.routing;
    const clusterKey =
      served.cluster.kind === "request" ? requestId : clusterKeyOf(served.cluster, this.#options.clusterKeySecret);
    const observation: Observation = {
      observationId: requestId,
      application,
      releaseId: choice.releaseId,
      arm: choice.arm,
      role: choice.role,
      assignedBundle: choice.assignedBundle,
      servedBundle: served.rendered.servedBundle,
      clusterKey,
      gatewayId: this.#options.gatewayId,
      startedAt: timestampOf(served.startedAtMs),
      endedAt: timestampOf(this.#parts.observations.endOf(Date.now())),
      streamed: served.body.stream === true,
      // One by one: copies of objects are what every request would pay for.
      status: outcome.status,
      errorClass: outcome.errorClass,
      latencyMs: outcome.latencyMs,
      timeToFirstTokenMs: outcome.timeToFirstTokenMs,
      inputTokens: outcome.inputTokens,
      outputTokens: outcome.outputTokens,
      finishReason: outcome.finishReason,
      refused: outcome.refused,
      costUsd: outcome.costUsd,
    };
    const sampled = samplesPayload(candidate, served, outcome);
    this.#parts.observations.add(sampled ? { ...observation, payload: this.#payloadOf(served, outcome) } : observation);
    this.#parts.metrics.served(observation);
    // A caller's own key has a limit of its own.
    if (outcome.rateLimited && !served.provider.passAuthorization)
      this.#parts.shadow.rateLimited(choice.bundle.model.provider, outcome.rateLimited.retryAfterMs);
    if (!outcome.clientGone && outcome.errorClass === null) this.#mirror(served, outcome, clusterKey);
  }

  #payloadOf({ request, body }: Served, { text }: Outcome): NonNullable<Observation["payload"]> {
    return {
      input: payloadText(requestText(request.endpoint, body), this.#options.redaction, "end"),
      output: payloadText(text, this.#options.redaction),
    };
  }

  /** Only what the baseline answered can be compared, and only words can be judged. */
  #mirror(served: Served, outcome: Outcome, clusterKey: string): void {
    const { choice, request, requestId } = served;
    const { application, candidate } = served.known.routing;
    if (!candidate?.mirror || choice.role !== "user" || choice.arm !== "baseline") return;
    if (request.endpoint === "embeddings" || !isSampled(candidate.mirror.sampleRate, "mirror", served.sequence)) return;
    // What a pair cannot hold need not be handed over.
    const baseline = { ...outcome, text: outcome.text.slice(0, MAX_READ_LENGTH) };
    const callsLength = outcome.toolCalls.reduce((sum, call) => sum + call.arguments.length, 0);
    this.#parts.shadow.offer(candidate.mirror, {
      application,
      provider: candidate.bundle.model.provider,
      releaseId: candidate.releaseId,
      requestId,
      clusterKey,
      endpoint: request.endpoint,
      body: served.body,
      bytes: request.body.length + baseline.text.length + callsLength,
      baseline,
      baselineBundle: served.rendered.servedBundle,
      textsKept: isSampled(candidate.mirror.payloadSampleRate ?? 1, "payload", served.sequence),
    });
  }
}

const ownHeaders = ({ requestId, choice, rendered }: Served): ReadonlyArray<string> => {
  const headers = ["x-request-id", requestId, "x-sluice-arm", choice.arm, "x-sluice-bundle", rendered.servedBundle];
  if (choice.releaseId !== null) headers.push("x-sluice-release", choice.releaseId);
  return headers;
};

/** The same for both arms. Only answers can be judged. */
const samplesPayload = (candidate: Routing["candidate"], { choice, sequence }: Served, outcome: Outcome): boolean =>
  candidate !== null &&
  choice.role === "user" &&
  outcome.errorClass === null &&
  !outcome.clientGone &&
  outcome.text !== "" &&
  isSampled(candidate.payloadSampleRate, "payload", sequence);

const parsedBody = (body: Buffer): JsonObject | null => {
  try {
    const value: unknown = JSON.parse(body.toString("utf8"));
    return isJsonObject(value) ? value : null;
  } catch {
    return null;
  }
};
