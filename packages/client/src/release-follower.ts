import { setTimeout as delay } from "node:timers/promises";
import type { Bundle, Digest, ReleaseState } from "@sluice/contracts";
import type { Source } from "./domain/assign.ts";
import { neededBundles, type Snapshot, takesTrafficAway, withoutCandidate } from "./domain/snapshot.ts";
import { RegistryReader } from "./registry-reader.ts";
import { followRegistry } from "./registry-stream.ts";
import type { ClientSettings } from "./settings.ts";

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** Events that a taken-up stream repeats are in the state already: then no such version comes, and nobody waits longer. */
const WAIT_FOR_VERSION_MS = 5_000;

export interface FollowerListener {
  readonly onChanged: (snapshot: Snapshot) => void;
  readonly onTrouble: (sentence: string) => void;
}

/**
 * Keeps the newest state with the contents it needs. A state is taken when its contents are here; until then the one before
 * goes on, without its candidate if the new one takes users from it.
 */
export class ReleaseFollower {
  readonly #reader: RegistryReader;
  readonly #listener: FollowerListener;
  readonly #closing = new AbortController();
  readonly #following: Promise<void>;
  readonly #firstState = Promise.withResolvers<void>();
  #snapshot: Snapshot | null;
  #source: Source;
  /** Newest state that was told of, whether or not its contents are here. */
  #told: ReleaseState | null = null;
  /** Something has changed and is not known yet: until it is, no heartbeat stands by what is known. */
  #behind = false;
  #refreshing: Promise<void> | null = null;
  /** Version that all events heard of should have led to; each accepted event raises it by one. */
  #wantedVersion = 0;

  constructor(settings: ClientSettings, start: Snapshot | null, source: Source, listener: FollowerListener) {
    this.#reader = new RegistryReader(settings, this.#closing.signal);
    this.#listener = listener;
    this.#snapshot = start;
    this.#source = source;
    this.#following = followRegistry(
      settings,
      {
        onState: (state) => void this.#take(state),
        onChange: () => this.#changed(),
        onHeard: () => this.#heard(),
        onTrouble: listener.onTrouble,
      },
      this.#closing.signal,
    );
  }

  get snapshot(): Snapshot | null {
    return this.#snapshot;
  }

  get source(): Source {
    return this.#source;
  }

  /** A state was heard from the registry in this life of the process. */
  get ready(): Promise<void> {
    return this.#firstState.promise;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([this.#following, this.#refreshing]);
  }

  #heard(): void {
    if (this.#behind || !this.#snapshot || this.#source !== "memory") return;
    this.#snapshot = { ...this.#snapshot, heardAtMs: Date.now() };
    this.#listener.onChanged(this.#snapshot);
  }

  /** The stream says that something happened; what, the registry is asked. */
  #changed(): void {
    this.#behind = true;
    this.#wantedVersion = Math.max(this.#wantedVersion, this.#told?.version ?? 0) + 1;
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = null;
    });
  }

  async #refresh(): Promise<void> {
    const startedMs = performance.now();
    let pauseMs = FIRST_PAUSE_MS;
    while (this.#behind && !this.#closing.signal.aborted) {
      try {
        await this.#take(await this.#reader.state());
        // The record may tell of an event before the fold that answers has met it.
        if (performance.now() - startedMs > WAIT_FOR_VERSION_MS) this.#wantedVersion = this.#told?.version ?? 0;
        this.#behind = (this.#told?.version ?? 0) < this.#wantedVersion;
        if (!this.#behind) return;
      } catch (error) {
        if (!this.#closing.signal.aborted) this.#listener.onTrouble(`the state cannot be read: ${String(error)}`);
      }
      await this.#pause(pauseMs);
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    }
  }

  async #take(state: ReleaseState): Promise<void> {
    if (this.#told && state.version < this.#told.version) return;
    this.#told = state;
    this.#behind = true;
    const before = this.#snapshot;
    const isNewer = before === null || state.version >= before.state.version;
    if (isNewer && before && takesTrafficAway(before.state, state)) this.#set(withoutCandidate(before));
    const bundles = await this.#contentsOf(state);
    // Another state may have come meanwhile, and with it its own wait for contents.
    if (!bundles || this.#told.version !== state.version) return;
    this.#behind = state.version < this.#wantedVersion;
    this.#source = "memory";
    this.#set({ version: 1, state, bundles, heardAtMs: Date.now() });
    this.#firstState.resolve();
  }

  /** Asks until it has them, or until there is no need any more. */
  async #contentsOf(state: ReleaseState): Promise<Record<Digest, Bundle> | null> {
    const bundles: Record<Digest, Bundle> = {};
    for (const digest of neededBundles(state)) {
      let bundle = this.#snapshot?.bundles[digest];
      let pauseMs = FIRST_PAUSE_MS;
      while (!bundle) {
        if (this.#closing.signal.aborted || this.#told?.version !== state.version) return null;
        try {
          bundle = await this.#reader.bundle(state, digest);
        } catch (error) {
          if (!this.#closing.signal.aborted)
            this.#listener.onTrouble(`bundle ${digest} cannot be read: ${String(error)}`);
          await this.#pause(pauseMs);
          pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
        }
      }
      bundles[digest] = bundle;
    }
    return bundles;
  }

  #set(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
    this.#listener.onChanged(snapshot);
  }

  #pause(pauseMs: number): Promise<void> {
    return delay(pauseMs, undefined, { signal: this.#closing.signal }).catch(() => {});
  }
}
