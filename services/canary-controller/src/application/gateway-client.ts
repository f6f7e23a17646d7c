import type { ApplicationName } from "@sluice/contracts";
import * as Context from "effect/Context";
import type * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";

/** No answer that could be judged: a timeout, an error status, an answer without text. */
export class ProbeError extends Schema.TaggedError<ProbeError>()("ProbeError", { message: Schema.String }) {}

export interface ProbeAnswer {
  readonly text: string;
  /** Digest of the bundle that answered, as the gateway says; null when it does not. */
  readonly servedBundle: string | null;
}

/** Asks the candidate of an application through the gateway, outside of users' traffic. */
export class GatewayClient extends Context.Service<
  GatewayClient,
  {
    readonly askCandidate: (
      application: ApplicationName,
      caseId: string,
      input: string,
    ) => Effect.Effect<ProbeAnswer, ProbeError>;
  }
>()("@sluice/canary-controller/GatewayClient") {}
