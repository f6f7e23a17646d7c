import type { IncomingHttpHeaders } from "node:http";
import type { CallFailure } from "../domain/error-class.ts";
import type { Price } from "../domain/price.ts";

export interface UpstreamRequest {
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: Array<string>;
  readonly body: string;
}

/** Who wants the answer. `wanted` is asked before every use of the connection. */
export interface AnswerHandler {
  readonly wanted: () => boolean;
  readonly onHead: (status: number, headers: IncomingHttpHeaders) => void;
  /** False stops reading until `resume`. */
  readonly onData: (chunk: Buffer) => boolean;
  readonly onEnd: () => void;
  readonly onFailure: (failure: CallFailure) => void;
}

export interface UpstreamCall {
  readonly abort: () => void;
  readonly resume: () => void;
}

/** One address of a provider, for one purpose, with its own connections and its own queue. */
export interface Upstream {
  readonly call: (request: UpstreamRequest, handler: AnswerHandler) => UpstreamCall;
  /** Path of the base URL, to be followed by `/chat/completions` and so on. */
  readonly basePath: string;
}

/** User traffic of the two arms, and mirrored calls: they share no connection and no queue. */
export type Purpose = "baseline" | "candidate" | "shadow";

export interface ProviderUpstreams {
  /** Headers of every request to this provider, names and values in turn. */
  readonly headers: ReadonlyArray<string>;
  readonly passAuthorization: boolean;
  readonly streamUsage: boolean;
  readonly connectionRetries: number;
  readonly retrievalIndexField: string | null;
  /** By model. */
  readonly prices: Readonly<Record<string, Price>>;
  /** The provider's addresses, the preferred first. */
  readonly of: Readonly<Record<Purpose, ReadonlyArray<Upstream>>>;
}

export interface UpstreamLoad {
  readonly provider: string;
  readonly purpose: Purpose;
  readonly running: number;
  readonly waiting: number;
}

export interface Upstreams {
  readonly get: (provider: string) => ProviderUpstreams | undefined;
  readonly load: () => ReadonlyArray<UpstreamLoad>;
}

/** A provider that the settings do not have. */
export const unreachable: ProviderUpstreams = {
  headers: [],
  passAuthorization: false,
  streamUsage: false,
  connectionRetries: 0,
  retrievalIndexField: null,
  prices: {},
  of: { baseline: [], candidate: [], shadow: [] },
};
