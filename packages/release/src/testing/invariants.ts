import * as assert from "node:assert/strict";
import type { Digest, ReleaseEvent, ReleaseEventOf, ReleaseId, Routing } from "@sluice/contracts";
import { type ApplicationState, shareOf } from "../application-state.ts";
import { foldEvent } from "../fold.ts";
import type { Refusal } from "../refusal.ts";
import { routedDigests, routingOf } from "../routing.ts";

const contents = {
  prompt: { kind: "prompt", messages: [] },
  model: { kind: "model", provider: "sim", model: "m", parameters: {} },
} as const;

/**
 * What must hold after every event of any log. It keeps its own account of the accepted events, by application and
 * release, and compares it with the state and with the routing that gateways would serve.
 */
export class Invariants {
  readonly #requests = new Map<string, ReleaseEventOf<"ReleaseRequested">>();
  readonly #shadowPassed = new Set<string>();
  readonly #step = new Map<string, number>();
  /** Breached, aborted, rolled back or superseded: no traffic ever again. */
  readonly #stopped = new Set<string>();
  readonly #ends = new Map<string, string>();
  /** Freezes in force, by application. */
  readonly #frozen = new Map<string, Set<string>>();
  readonly #notices = new Map<string, number>();
  readonly #pages = new Map<string, "due" | "sent" | "resolved">();

  check(before: ApplicationState, event: ReleaseEvent, refusal: Refusal | null, after: ApplicationState): void {
    if (refusal) {
      assert.equal(after, before.version === 0 ? after : before, "a refused event changes nothing");
      assert.equal(after.version, before.version);
    } else {
      assert.equal(after.version, before.version + 1, "the routing version rises with every accepted event");
      this.#account(before, event, after);
      const again = foldEvent(new Map([[after.application, after]]), event);
      assert.equal(again.state, after, "the same event once more changes nothing");
      assert.notEqual(again.refusal, null);
    }
    this.#oneActive(after);
    this.#endsOnce(after);
    this.#queueInOrder(before, event, refusal, after);
    this.#baselineOnlyByRelease(before, event, refusal, after);
    this.#traffic(after);
    this.#pagesAreKept(after);
    this.#endsAreTold(after);
  }

  /** Every release that ended, also the one that the gate blocked, waits to be told or was. */
  #endsAreTold(after: ApplicationState): void {
    const told = (releaseId: ReleaseId, phase: string) => {
      const dedupKey = `sluice/${after.application}/${releaseId}/${phase}`;
      const waiting = after.notices.filter((notice) => notice.dedupKey === dedupKey).length;
      assert.equal(waiting + (this.#notices.get(dedupKey) ?? 0), 1, `the end ${dedupKey} is told once`);
    };
    for (const [releaseId, { phase }] of Object.entries(after.ended)) told(releaseId, phase);
    for (const { releaseId, phase } of after.blocked) told(releaseId, phase);
  }

  #account(before: ApplicationState, event: ReleaseEvent, after: ApplicationState): void {
    const key = (releaseId: ReleaseId) => `${event.application}/${releaseId}`;
    switch (event._tag) {
      case "ReleaseRequested":
        this.#requests.set(key(event.releaseId), event);
        break;
      case "ShadowPassed":
        this.#shadowPassed.add(key(event.releaseId));
        break;
      case "ReleasesFrozen":
      case "ReleasesStopped": {
        const inForce = this.#frozen.get(event.application) ?? new Set();
        this.#frozen.set(event.application, inForce.add(event.freezeId));
        if (event._tag === "ReleasesStopped" && before.active?.phase === "canary") {
          this.#pages.set(`sluice/${key(before.active.releaseId)}/breach`, "due");
          this.#stopped.add(key(before.active.releaseId));
        }
        break;
      }
      case "ReleasesUnfrozen":
        this.#frozen.get(event.application)?.delete(event.freezeId);
        break;
      case "NoticeSent":
        assert.equal(this.#notices.get(event.dedupKey) ?? 0, 0, "an end is told once");
        this.#notices.set(event.dedupKey, 1);
        break;
      case "ReleaseCompleted":
        this.#notFrozen(event.application);
        break;
      case "CanaryStepStarted":
        this.#notFrozen(event.application);
        this.#step.set(key(event.releaseId), event.step);
        break;
      case "CanaryBreached":
        this.#pages.set(`sluice/${key(event.releaseId)}/breach`, "due");
        this.#stopped.add(key(event.releaseId));
        break;
      case "ReleaseAborted":
      case "ReleaseRolledBack":
        this.#stopped.add(key(event.releaseId));
        break;
      case "BaselineRolledBack":
        if (before.active) this.#stopped.add(key(before.active.releaseId));
        break;
      case "PageSent":
        assert.equal(this.#pages.get(event.dedupKey), "due", "a page is sent once");
        this.#pages.set(event.dedupKey, "sent");
        break;
      case "PageResolved":
        assert.equal(this.#pages.get(event.dedupKey), "sent", "a page is resolved once, after it was sent");
        this.#pages.set(event.dedupKey, "resolved");
        break;
    }
    for (const [releaseId, { phase }] of Object.entries(after.ended))
      if (phase === "superseded") this.#stopped.add(key(releaseId));
  }

  #notFrozen(application: string): void {
    assert.equal(this.#frozen.get(application)?.size ?? 0, 0, "nothing goes forward in a freeze");
  }

  #oneActive(after: ApplicationState): void {
    const open = [...(after.active ? [after.active] : []), ...after.queue, ...after.blocked].map((r) => r.releaseId);
    assert.equal(new Set(open).size, open.length, "a release is in one place");
    for (const releaseId of open)
      assert.ok(!Object.hasOwn(after.ended, releaseId), `${releaseId} ended and is still open`);
    assert.ok(after.active || after.queue.length === 0, "nothing waits while nothing is active");
  }

  #endsOnce(after: ApplicationState): void {
    for (const [releaseId, { phase, at }] of Object.entries(after.ended)) {
      const key = `${after.application}/${releaseId}`;
      const end = `${phase} at ${at}`;
      assert.equal(this.#ends.get(key) ?? end, end, `${releaseId} ended twice`);
      this.#ends.set(key, end);
    }
    const count = [...this.#ends.keys()].filter((key) => key.startsWith(`${after.application}/`)).length;
    assert.equal(Object.keys(after.ended).length, count, "an end is never forgotten");
  }

  #queueInOrder(before: ApplicationState, event: ReleaseEvent, refusal: Refusal | null, after: ApplicationState): void {
    const requested = !refusal && event._tag === "ReleaseRequested" ? [event.releaseId] : [];
    const inLine = [...before.queue.map((release) => release.releaseId), ...requested];
    const left = new Set(after.queue.map((release) => release.releaseId));
    assert.deepEqual(
      after.queue.map((release) => release.releaseId),
      inLine.filter((releaseId) => left.has(releaseId)),
      "the queue keeps its order",
    );
    const promoted = after.active?.releaseId;
    if (promoted === undefined || promoted === before.active?.releaseId || event._tag === "GateOverridden") return;
    const passedOver = inLine.slice(0, inLine.indexOf(promoted));
    for (const releaseId of passedOver)
      assert.ok(Object.hasOwn(after.ended, releaseId), `${releaseId} was passed over in the queue`);
  }

  #baselineOnlyByRelease(
    before: ApplicationState,
    event: ReleaseEvent,
    refusal: Refusal | null,
    after: ApplicationState,
  ): void {
    if (after.baseline?.digest === before.baseline?.digest) return;
    assert.equal(refusal, null);
    switch (event._tag) {
      case "ApplicationRegistered":
        assert.equal(before.baseline, null);
        break;
      case "BaselineRolledBack":
        assert.ok(before.fullyReleased.some((bundle) => bundle.digest === event.to));
        break;
      case "ReleaseCompleted": {
        const key = `${event.application}/${event.releaseId}`;
        assert.ok(this.#shadowPassed.has(key) && !this.#stopped.has(key), "only a release that passed all completes");
        assert.equal(after.baseline?.digest, this.#requests.get(key)?.candidate.digest);
        break;
      }
      default:
        assert.fail(`${event._tag} changed the baseline`);
    }
  }

  #traffic(after: ApplicationState): void {
    const routing = routed(after);
    const candidate = routing?.candidate;
    assert.equal(routing?.baseline.digest, after.baseline?.digest);
    assert.equal(after.active ? shareOf(after.active) : 0, candidate?.share ?? 0, "what is told is what is routed");
    if (!candidate) return;
    const key = `${after.application}/${candidate.releaseId}`;
    assert.ok(!this.#stopped.has(key), `${key} is stopped and still routed`);
    assert.ok(candidate.mirror === null || candidate.share === 0, "what is mirrored serves nobody");
    if (candidate.share === 0) return;
    assert.ok(this.#shadowPassed.has(key), `${key} has user traffic and its shadow has not passed`);
    const step = this.#requests.get(key)?.policy.canary.steps[this.#step.get(key) ?? -1];
    assert.ok(step && candidate.share <= step.share, `${key} has share ${candidate.share}, its step ${step?.share}`);
  }

  #pagesAreKept(after: ApplicationState): void {
    for (const [dedupKey, status] of this.#pages) {
      if (!dedupKey.startsWith(`sluice/${after.application}/`)) continue;
      const page = after.pages.find((open) => open.dedupKey === dedupKey);
      assert.equal(page ? (page.sentAt ? "sent" : "due") : "resolved", status, `page ${dedupKey}`);
    }
    assert.equal(new Set(after.pages.map((page) => page.dedupKey)).size, after.pages.length, "one page a breach");
  }
}

const routed = (state: ApplicationState): Routing | null =>
  routingOf(state, new Map(routedDigests(state).map((digest): [Digest, typeof contents] => [digest, contents])));
