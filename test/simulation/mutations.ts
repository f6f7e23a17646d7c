import { registerHooks } from "node:module";

interface Mutation {
  /** End of the path of the source that is changed as it is loaded. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** Bugs to plant, so that it is known that the simulation would find them. */
export const mutations = {
  "skip-the-dedupe": {
    file: "packages/release/src/apply.ts",
    from: "if (isSeen(state, event)) return",
    to: "if (isSeen(state, event) && event === null) return",
  },
  "act-before-catching-up": {
    file: "packages/release-log/src/release-log.ts",
    from: "yield* bus.follow(releasesTopic,",
    to: "yield* ((topic: any, handler: any) => Effect.forkScoped(bus.follow(topic, handler)))(releasesTopic,",
  },
  "forget-the-pin-on-restart": {
    file: "services/canary-controller/src/application/routing-publisher.ts",
    from: "const routing = routingOf(state, bundles);",
    to: "const last = published.has(state.application) ? undefined : routed.get(state.application); const routing = last ? { ...last, version: state.version } : routingOf(state, bundles);",
  },
} as const satisfies Record<string, Mutation>;
export type MutationName = keyof typeof mutations;

/** Must be called before what it changes is imported. A mutation that changes nothing would prove nothing, so it fails. */
export const plant = (name: MutationName): void => {
  const { file, from, to }: Mutation = mutations[name];
  registerHooks({
    load: (url, context, nextLoad) => {
      const loaded = nextLoad(url, context);
      if (!url.endsWith(file)) return loaded;
      const source = String(loaded.source);
      if (!source.includes(from)) throw new Error(`mutation ${name}: ${file} has no "${from}" any more; plant it anew`);
      return { ...loaded, source: source.replace(from, to) };
    },
  });
};
