import * as assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type ReleaseEvent, type Routing, releasesTopic, routingTopic } from "@sluice/contracts";
import { type ApplicationState, foldEvent, initialState, shareOf } from "@sluice/release";
import { Invariants } from "@sluice/release/testing/invariants";
import { APPLICATION } from "./scenario.ts";
import type { Disk } from "./simulated-gateway.ts";

/** Who has caught up and follows is behind by the bus's delays and a tick, never by this much. */
const MAX_LAG_MS = 5_000;

/**
 * Sees every event as it is appended, folds the log for itself, and fails at the first one after which something is not as
 * it must be. What it has seen is the story of a seed: two runs of one seed have the same.
 */
export class Watcher {
  readonly events: Array<ReleaseEvent> = [];
  state: ApplicationState = initialState(APPLICATION);
  readonly #invariants = new Invariants();
  /** The share that each version of the state routes, and to which candidate. */
  readonly #shares = new Map<number, string>();
  readonly #story = createHash("sha256");
  readonly #disks: ReadonlyArray<Disk>;
  /** When the state went on from a version. */
  readonly #overSince = new Map<number, number>();
  #lastRouted = 0;
  /** Of the world's clock; moved by the world. */
  nowMs = 0;

  constructor(disks: ReadonlyArray<Disk>) {
    this.#disks = disks;
  }

  readonly onAppend = (topic: string, event: { readonly _tag: string }): void => {
    if (topic === releasesTopic.name) this.#onRelease(event as ReleaseEvent);
    if (topic === routingTopic.name) this.#onRouting(event as Routing);
  };

  get digest(): string {
    return this.#story.copy().digest("hex");
  }

  #onRelease(event: ReleaseEvent): void {
    this.#story.update(`${event._tag} ${event.eventId} ${event.at}\n`);
    const before = this.state;
    const { state, refusal } = foldEvent(new Map([[APPLICATION, before]]), event);
    this.#invariants.check(before, event, refusal, state);
    if (refusal) return;
    this.events.push(event);
    this.state = state;
    this.#shares.set(state.version, routed(state));
    this.#overSince.set(before.version, this.nowMs);
    if (event._tag === "MitigationConfirmed") this.#nobodyServes(event.releaseId);
  }

  #onRouting(routing: Routing): void {
    this.#story.update(`routing ${routing.version} ${routing.candidate?.share ?? "-"}\n`);
    const told = routing.candidate ? `${routing.candidate.digest} ${routing.candidate.share}` : "none";
    assert.equal(told, this.#shares.get(routing.version), `routing ${routing.version} is not what the log says`);
    const overSince = this.#overSince.get(routing.version);
    assert.ok(
      overSince === undefined || this.nowMs - overSince < MAX_LAG_MS,
      `routing ${routing.version} was over ${this.nowMs - (overSince ?? 0)} ms ago: who publishes it has not caught up with the log`,
    );
    this.#lastRouted = routing.version;
  }

  /** Mitigation was confirmed: then no gateway may route a user to that candidate. */
  #nobodyServes(releaseId: string): void {
    for (const { routing } of this.#disks)
      assert.ok(
        routing?.candidate?.releaseId !== releaseId || routing.candidate.share === 0,
        `mitigation of ${releaseId} is confirmed, and a gateway serves its candidate`,
      );
  }

  /** What must hold once nothing is under way any more and everybody had time to hear of it. */
  checkSettled(): void {
    assert.equal(this.#lastRouted, this.state.version, "who starts now would read another routing than the log's");
    for (const { routing } of this.#disks) {
      assert.equal(routing?.version, this.#lastRouted, "a gateway has not heard of the last routing");
      assert.equal(routing?.baseline.digest, this.state.baseline?.digest, "a gateway serves another baseline");
    }
  }
}

const routed = (state: ApplicationState): string => {
  const release = state.active;
  const meets = release && ["shadow", "shadow-passed", "canary"].includes(release.phase);
  return meets ? `${release.request.candidate.digest} ${shareOf(release)}` : "none";
};
