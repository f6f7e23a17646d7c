import type { ProviderUpstreams, Purpose, Upstream, UpstreamLoad, Upstreams } from "../application/upstream-port.ts";
import type { Provider } from "../settings.ts";
import { UpstreamLane } from "./upstream-lane.ts";

type Environment = Readonly<Record<string, string | undefined>>;
type Lanes = Readonly<Record<Purpose, ReadonlyArray<UpstreamLane>>>;

export interface OpenUpstreams extends Upstreams {
  readonly close: () => Promise<void>;
}

/** The configured providers; connections are opened when they are first needed. Keys come from the environment. */
export const openUpstreams = (
  providers: Readonly<Record<string, Provider>>,
  environment: Environment,
  /** Those that are asked from here; the others have no connections. */
  purposes: ReadonlyArray<Purpose>,
): OpenUpstreams => {
  const lanes = new Map<string, Lanes>();
  const known = new Map<string, ProviderUpstreams>();
  for (const [name, provider] of Object.entries(providers)) {
    const lanesFor = (purpose: Purpose) => (purposes.includes(purpose) ? lanesOf(provider) : []);
    const own: Lanes = { baseline: lanesFor("baseline"), candidate: lanesFor("candidate"), shadow: lanesFor("shadow") };
    lanes.set(name, own);
    known.set(name, {
      headers: headersOf(provider, environment),
      passAuthorization: provider.passAuthorization,
      streamUsage: provider.streamUsage,
      connectionRetries: provider.connectionRetries,
      prices: provider.prices,
      retrievalIndexField: provider.retrievalIndexField,
      of: {
        baseline: upstreamsOf(provider, own.baseline),
        candidate: upstreamsOf(provider, own.candidate),
        shadow: upstreamsOf(provider, own.shadow),
      },
    });
  }
  return {
    get: (provider) => known.get(provider),
    load: () => [...lanes].flatMap(([provider, own]) => purposes.map((purpose) => loadOf(provider, purpose, own))),
    close: async () => {
      const all = [...lanes.values()].flatMap((own) => purposes.flatMap((purpose) => own[purpose]));
      await Promise.all(all.map((lane) => lane.close()));
    },
  };
};

/** Names of environment variables that providers name and nobody has set. */
export const missingKeys = (
  providers: Readonly<Record<string, Provider>>,
  environment: Environment,
): ReadonlyArray<string> =>
  Object.values(providers)
    .map(({ apiKeyEnv }) => apiKeyEnv)
    .filter((name) => name !== undefined)
    .filter((name) => !environment[name]);

const addressesOf = (provider: Provider): ReadonlyArray<URL> =>
  [provider.baseUrl, ...provider.fallbackBaseUrls].map((baseUrl) => new URL(baseUrl));

const lanesOf = (provider: Provider): ReadonlyArray<UpstreamLane> =>
  addressesOf(provider).map(({ origin }) => new UpstreamLane(origin, provider));

const upstreamsOf = (provider: Provider, lanes: ReadonlyArray<UpstreamLane>): ReadonlyArray<Upstream> => {
  const addresses = addressesOf(provider);
  return lanes.map((lane, i) => ({
    call: (request, handler) => lane.call(request, handler),
    basePath: (addresses[i]?.pathname ?? "").replace(/\/+$/, ""),
  }));
};

const loadOf = (provider: string, purpose: Purpose, lanes: Lanes): UpstreamLoad => ({
  provider,
  purpose,
  running: lanes[purpose].reduce((sum, lane) => sum + lane.running, 0),
  waiting: lanes[purpose].reduce((sum, lane) => sum + lane.waiting, 0),
});

const headersOf = (provider: Provider, environment: Environment): ReadonlyArray<string> => {
  const headers = Object.entries(provider.headers).flatMap(([name, value]) => [name.toLowerCase(), value]);
  const key = provider.apiKeyEnv === undefined ? undefined : environment[provider.apiKeyEnv];
  return key ? [...headers, "authorization", `Bearer ${key}`] : headers;
};
