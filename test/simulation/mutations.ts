import { registerHooks } from "node:module";

interface Change {
  /** End of the path of the source that is changed as it is loaded. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const ROUTING_PUBLISHER = "services/canary-controller/src/application/routing-publisher.ts";

/** Bugs to plant, so that it is known that the simulation would find them; each is one or more changes. */
export const mutations = {
  "skip-the-dedupe": [
    {
      file: "packages/release/src/apply.ts",
      from: "if (isSeen(state, event)) return",
      to: "if (isSeen(state, event) && event === null) return",
    },
  ],
  // Nothing but the routing is said without asking the log, and there a second guard stands: both are taken away.
  "act-before-catching-up": [
    {
      file: "packages/release-log/src/release-log.ts",
      from: "yield* bus.follow(releasesTopic,",
      to: "yield* ((topic: any, handler: any) => Effect.forkScoped(bus.follow(topic, handler)))(releasesTopic,",
    },
    {
      file: ROUTING_PUBLISHER,
      from: "!isBehind(state) &&",
      to: "",
    },
  ],
  "forget-the-pin-on-restart": [
    {
      file: ROUTING_PUBLISHER,
      from: "const routing = routingOf(state, bundles);",
      to: "const last = published.has(state.application) ? undefined : routed.get(state.application); const routing = last ? { ...last, version: state.version } : routingOf(state, bundles);",
    },
  ],
} as const satisfies Record<string, ReadonlyArray<Change>>;
export type MutationName = keyof typeof mutations;

/** Must be called before what it changes is imported. A mutation that changes nothing would prove nothing, so it fails. */
export const plant = (name: MutationName): void => {
  const changes: ReadonlyArray<Change> = mutations[name];
  registerHooks({
    load: (url, context, nextLoad) => {
      const loaded = nextLoad(url, context);
      const here = changes.filter(({ file }) => url.endsWith(file));
      if (here.length === 0) return loaded;
      let source = String(loaded.source);
      for (const { file, from, to } of here) {
        if (!source.includes(from))
          throw new Error(`mutation ${name}: ${file} has no "${from}" any more; plant it anew`);
        source = source.replace(from, to);
      }
      return { ...loaded, source };
    },
  });
};
