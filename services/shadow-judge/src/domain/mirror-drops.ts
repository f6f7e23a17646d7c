import type { GatewayReport } from "@sluice/contracts";

/**
 * Mirrored calls that gateways dropped, as far as their reports have been followed. A gateway counts from its own start
 * and over all its applications, so the figure is an upper bound for one release.
 */
export class MirrorDrops {
  readonly #last = new Map<string, number>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  add({ gatewayId, live, dropped }: GatewayReport): void {
    const before = this.#last.get(gatewayId);
    // What the first report says was before our time; a count that falls is that of a gateway started again.
    if (before !== undefined) this.#total += dropped.mirrored >= before ? dropped.mirrored - before : dropped.mirrored;
    if (live) this.#last.set(gatewayId, dropped.mirrored);
    else this.#last.delete(gatewayId);
  }
}
