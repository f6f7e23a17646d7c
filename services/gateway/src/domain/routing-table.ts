import type { ApplicationName, Routing } from "@sluice/contracts";

type Candidate = NonNullable<Routing["candidate"]>;

/** One application as this gateway knows it. */
export interface KnownRouting {
  readonly routing: Routing;
  /** When the control plane was last heard to stand by this routing (epoch milliseconds). */
  readonly heardAtMs: number;
}

/** Long enough ago for any `maxUnwatchedSeconds`, and a number that a file can hold. */
const NEVER_MS = 0;

/** `stale`: older than what is served; `heard`: the same again, a sign of life. */
export type Acceptance = "changed" | "heard" | "stale";

/**
 * Which routing is served, by application. It never goes back to a lower version, whatever order records come in.
 *
 * Watching: the controller repeats a routing at least every third of `maxUnwatchedSeconds` while its candidate has
 * traffic. Where that stops, be it by the controller, the bus or the network, the candidate's share counts as 0.
 */
export class RoutingTable {
  readonly #known = new Map<ApplicationName, KnownRouting>();

  /**
   * `live` is false for records that were in the topic before this gateway came: they are news, but prove no present life.
   * A candidate known only from them is unwatched until the first live repetition, so that restarts, with a disk or
   * without, cannot keep one that nobody watches.
   */
  accept(routing: Routing, nowMs: number, live: boolean): Acceptance {
    const known = this.#known.get(routing.application);
    const version = known?.routing.version ?? -1;
    if (routing.version < version) return "stale";
    if (known && routing.version === version) {
      if (live) this.#known.set(routing.application, { routing: known.routing, heardAtMs: nowMs });
      return "heard";
    }
    this.#known.set(routing.application, { routing, heardAtMs: live ? nowMs : NEVER_MS });
    return "changed";
  }

  /** Puts back what was on disk; `heardAtMs` is as old as it was. A newer version known already stays. */
  restore({ routing, heardAtMs }: KnownRouting): void {
    const known = this.#known.get(routing.application);
    if (!known || known.routing.version < routing.version) {
      this.#known.set(routing.application, { routing, heardAtMs });
    }
  }

  get(application: string): KnownRouting | undefined {
    return this.#known.get(application);
  }

  all(): ReadonlyArray<KnownRouting> {
    return [...this.#known.values()];
  }

  get size(): number {
    return this.#known.size;
  }
}

/** Whether a candidate has been without a sign of the control plane for longer than policy allows. */
export const isUnwatched = (known: KnownRouting, candidate: Candidate, nowMs: number): boolean =>
  nowMs - known.heardAtMs > candidate.maxUnwatchedSeconds * 1_000;
