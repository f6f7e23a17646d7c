export type Layer =
  | "contracts"
  | "statistics"
  | "domain"
  | "application"
  | "adapters"
  | "settings"
  | "main"
  | "package"
  | "stack"
  | "browser"
  | "tests"
  | "tooling";

/** The first that matches decides. */
const places: ReadonlyArray<readonly [RegExp, Layer]> = [
  [/\.test\.ts$|\.fixture\.ts$|\.contract\.ts$|-conformance\.ts$|\/testing\/|\/bench\/|^test\//u, "tests"],
  // Programs that check the statistics against other software, and by simulation.
  [/^packages\/statistics\/src\/(?:vectors|simulation)\//u, "tests"],
  [/^contracts\/(?:generate\.ts$|src\/generator\/)/u, "tooling"],
  [/^contracts\//u, "contracts"],
  [/^packages\/statistics\//u, "statistics"],
  [/^packages\/dashboard\/src\/app\//u, "browser"],
  [/^packages\/(?:release|assignment|policy|forecast)\/src\//u, "domain"],
  [/^(?:services|packages)\/[^/]+\/src\/domain\//u, "domain"],
  [/^services\/[^/]+\/src\/application\//u, "application"],
  [/^services\/[^/]+\/src\/adapters\//u, "adapters"],
  [/^services\/[^/]+\/src\/settings\.ts$/u, "settings"],
  [/^services\/[^/]+\/src\/[^/]+\.ts$/u, "main"],
  [/^packages\/(?:stack|cli)\//u, "stack"],
  [/^packages\//u, "package"],
];

export const layerOf = (path: string): Layer | null => places.find(([place]) => place.test(path))?.[1] ?? null;

/** `packages/release`, `services/gate`, `contracts`, `test`: what has a package.json of its own. */
export const packageOf = (path: string): string =>
  /^(?:services|packages)\/[^/]+/u.exec(path)?.[0] ?? path.split("/")[0] ?? path;

/** Single vendors that a place may import against the rule of its layer. */
export const vendorExceptions: ReadonlyArray<{
  readonly place: RegExp;
  readonly vendor: RegExp;
  readonly reason: string;
}> = [
  {
    place: /^packages\/assignment\//u,
    vendor: /^node:crypto$/u,
    reason: "a bucket is a hash of a key, and a hash is a pure function",
  },
];

interface LayerRule {
  /** Of our own, beside the own package's. */
  readonly mayImport: ReadonlyArray<Layer>;
  /** Packages of others and node's; absent: any. */
  readonly vendors?: RegExp;
  readonly reason: string;
}

/** Who may import whom: `main → adapters → application → domain → contracts, statistics`. */
export const layers: { readonly [L in Exclude<Layer, "tests">]: LayerRule } = {
  contracts: {
    mayImport: ["contracts"],
    vendors: /^(?:effect\/(?:Schema|Effect|Cron|Result)|canonicalize|node:crypto)$/u,
    reason: "contracts are what everybody shares: they depend on the schema language and on nothing of ours",
  },
  tooling: {
    mayImport: ["contracts", "tooling"],
    vendors: /^(?:effect\/(?:Schema|JsonSchema)|node:.*)$/u,
    reason: "what generates documents from the contracts knows the contracts alone",
  },
  statistics: {
    mayImport: ["statistics"],
    vendors: /^@stdlib\//u,
    reason: "statistics are plain functions on numbers, to be checked against other software on their own",
  },
  domain: {
    mayImport: ["domain", "contracts", "statistics"],
    vendors: /^effect\/Result$/u,
    reason: "domain code is pure, so that every decision replays: no clock, no I/O, no vendor, no Effect runtime",
  },
  application: {
    mayImport: ["application", "settings", "domain", "contracts", "statistics", "package"],
    reason: "application code speaks to the world through ports, so that it runs the same in every composition",
  },
  adapters: {
    mayImport: ["adapters", "application", "settings", "domain", "contracts", "statistics", "package"],
    reason: "adapters serve the application; what composes them is above",
  },
  settings: {
    mayImport: ["settings", "domain", "contracts", "package"],
    reason: "settings are values that everything in a service may read, so they depend on none of it",
  },
  main: {
    mayImport: ["main", "adapters", "application", "settings", "domain", "contracts", "statistics", "package"],
    reason: "a service is composed of its own parts and of packages; compositions of services are in packages/stack",
  },
  package: {
    mayImport: ["package", "domain", "contracts", "statistics"],
    reason: "packages are below the services: one that knows a service can be used by no other",
  },
  browser: {
    mayImport: ["browser", "domain", "contracts", "statistics"],
    vendors: /^(?:preact(?:\/.*)?|@preact\/signals|uplot(?:\/.*)?|diff|canonicalize|eventsource-parser)$/u,
    reason: "what runs in a browser is sent to it: pure code of ours, the types of contracts, and small vendors",
  },
  stack: {
    mayImport: ["stack", "main", "settings", "package", "domain", "contracts", "statistics"],
    reason: "the composition root starts services through their front doors",
  },
};
