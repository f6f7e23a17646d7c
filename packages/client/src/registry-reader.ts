import {
  Artifact,
  type Bundle,
  type BundleReference,
  type Digest,
  digestOf,
  ReleaseBody,
  ReleaseState,
  referenceOf,
} from "@sluice/contracts";
import * as Schema from "effect/Schema";
import type { ClientSettings } from "./settings.ts";

/** Reads what the registry knows over HTTP. Rejects with one sentence when it cannot be had. */
export class RegistryReader {
  readonly #settings: ClientSettings;
  readonly #closed: AbortSignal;

  constructor(settings: ClientSettings, closed: AbortSignal) {
    this.#settings = settings;
    this.#closed = closed;
  }

  state(): Promise<ReleaseState> {
    return this.#read(`/v1/applications/${this.#settings.application}`, ReleaseState);
  }

  /** Contents of the baseline of a state, or of its candidate, each part checked against its digest. */
  async bundle(state: ReleaseState, digest: Digest): Promise<Bundle> {
    const reference = state.baseline?.digest === digest ? state.baseline : await this.#candidateOf(state);
    const { prompt, model, "retrieval-index": index, "tool-schema": tools } = reference.artifacts;
    const bundle: Bundle = {
      prompt: await this.#artifact(prompt, "prompt"),
      model: await this.#artifact(model, "model"),
      ...(index && { "retrieval-index": await this.#artifact(index, "retrieval-index") }),
      ...(tools && { "tool-schema": await this.#artifact(tools, "tool-schema") }),
    };
    if (referenceOf(bundle).digest !== digest) throw new Error(`the parts of bundle ${digest} are not those it names`);
    return bundle;
  }

  /** A release state names its candidate by digest alone; its parts are in the request. */
  async #candidateOf({ application, active }: ReleaseState): Promise<BundleReference> {
    const releaseId = active?.releaseId ?? "";
    const path = `/v1/releases/${encodeURIComponent(releaseId)}?application=${application}`;
    const { events } = await this.#read(path, ReleaseBody);
    for (const { event } of events) if (event._tag === "ReleaseRequested") return event.candidate;
    throw new Error(`the registry has no request of release ${releaseId}`);
  }

  async #artifact<Kind extends Artifact["kind"]>(
    digest: Digest,
    kind: Kind,
  ): Promise<Extract<Artifact, { kind: Kind }>> {
    const artifact = await this.#read(`/v1/artifacts/${digest}`, Artifact);
    if (digestOf(artifact) !== digest) throw new Error(`artifact ${digest} is not what its digest says`);
    if (!isOfKind(artifact, kind)) throw new Error(`artifact ${digest} is a ${artifact.kind} and no ${kind}`);
    return artifact;
  }

  async #read<A>(path: string, schema: Schema.Codec<A, unknown>): Promise<A> {
    const { registryUrl, requestTimeoutMs } = this.#settings;
    const response = await fetch(`${registryUrl}${path}`, {
      headers: authorization(this.#settings),
      signal: AbortSignal.any([this.#closed, AbortSignal.timeout(requestTimeoutMs)]),
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`GET ${registryUrl}${path} answered ${response.status}`);
    }
    return Schema.decodeUnknownSync(schema)(await response.json());
  }
}

const isOfKind = <Kind extends Artifact["kind"]>(
  artifact: Artifact,
  kind: Kind,
): artifact is Extract<Artifact, { kind: Kind }> => artifact.kind === kind;

export const authorization = ({ token }: ClientSettings): Record<string, string> =>
  token === undefined ? {} : { authorization: `Bearer ${token}` };
