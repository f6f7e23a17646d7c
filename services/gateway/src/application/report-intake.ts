import { type Observation, type ReportedObservationsBody, timestampOf } from "@sluice/contracts";
import type { RedactionRule } from "@sluice/contracts/redaction";
import type { ObservationBuffer } from "../domain/observation-buffer.ts";
import type { RefusalDetector } from "../domain/outcome.ts";
import { payloadText } from "../domain/payload-text.ts";
import type { KnownRouting, RoutingTable } from "../domain/routing-table.ts";
import { isSampled } from "../domain/sampling.ts";
import type { Gateway } from "./gateway.ts";
import type { Metrics } from "./metrics.ts";

export interface ReportIntakeParts {
  readonly gatewayId: string;
  readonly redaction: ReadonlyArray<RedactionRule>;
  readonly looksLikeRefusal: RefusalDetector;
  readonly table: RoutingTable;
  readonly observations: ObservationBuffer;
  readonly metrics: Metrics;
  readonly gateway: Gateway;
}

/**
 * Observations of services that serve without the gateway. They go the way of the gateway's own: the same buffer, bounds,
 * batches and watermark. Their end is the instant of the report, because what ended before the watermark must already
 * have been sent; how long they took is as the service measured it.
 */
export class ReportIntake {
  readonly #parts: ReportIntakeParts;
  #sequence = 0;

  constructor(parts: ReportIntakeParts) {
    this.#parts = parts;
  }

  /** False when this gateway does not route the application. */
  take({ application, observations, dropped }: ReportedObservationsBody): boolean {
    const { gatewayId, looksLikeRefusal, table, metrics, gateway, observations: buffer } = this.#parts;
    const known = table.get(application);
    if (!known) return false;
    const nowMs = Date.now();
    for (const { payload, ...reported } of observations) {
      const endedAt = timestampOf(buffer.endOf(nowMs));
      // By the rule that holds for the gateway's own traffic, where the reporter has not said.
      const refused = reported.refused ?? (payload && looksLikeRefusal(payload.output)) ?? null;
      const observation: Observation = { application, ...reported, refused, role: "user", gatewayId, endedAt };
      const isSampled = payload && reported.errorClass === null && this.#samples(known);
      buffer.add(isSampled ? { ...observation, payload: this.#safe(payload) } : observation);
      metrics.served(observation);
      if (reported.arm === "candidate") gateway.candidateServedElsewhere(application, nowMs);
    }
    if (dropped > 0) buffer.lostElsewhere(application, dropped, nowMs);
    return true;
  }

  #samples({ routing: { candidate } }: KnownRouting): boolean {
    this.#sequence += 1;
    return candidate !== null && isSampled(candidate.payloadSampleRate, "payload", this.#sequence);
  }

  /** Reporters redact too; but it is this gateway's rules that hold for what it publishes. */
  #safe({ input, output }: NonNullable<Observation["payload"]>): NonNullable<Observation["payload"]> {
    return {
      input: payloadText(input, this.#parts.redaction, "end"),
      output: payloadText(output, this.#parts.redaction),
    };
  }
}
