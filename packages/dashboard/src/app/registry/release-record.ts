import { signal } from "@preact/signals";
import type { CanaryProgress, RecordedEventBody } from "@sluice/contracts";
import type { Answer } from "./client.ts";
import { listen } from "./live.ts";
import { askAsMe } from "./session.ts";

export interface ReleaseRecord {
  readonly summary: Answer<"getRelease">["release"];
  readonly active: Answer<"getRelease">["active"];
  readonly events: ReadonlyArray<RecordedEventBody>;
}

/** Looks at the running step that are kept for the plots: a step of hours has one a few seconds. */
const MOST_LOOKS = 2_000;

/** Plots are drawn again at most this often: eyes follow no faster. */
const SHOWN_EVERY_MS = 200;

/** One release's record, followed live from `start` until `stop`. */
export class FollowedRelease {
  readonly record = signal<ReleaseRecord | null>(null);
  readonly failure = signal<string | null>(null);
  /** What the controller told of the present step since the page was opened, oldest first. */
  readonly looks = signal<ReadonlyArray<CanaryProgress>>([]);
  readonly #application: string;
  readonly #releaseId: string;
  #fresh: Array<CanaryProgress> = [];
  #isStopped = false;
  #isReading = false;
  #mustReadAgain = false;

  constructor(application: string, releaseId: string) {
    this.#application = application;
    this.#releaseId = releaseId;
  }

  start(): () => void {
    const stopListening = listen({
      onOpened: () => void this.read(),
      onEvent: ({ event }) => {
        if (event.application !== this.#application) return;
        if ("releaseId" in event && event.releaseId !== this.#releaseId) return;
        void this.read();
      },
      onProgress: (progress) => {
        if (progress.application !== this.#application || progress.releaseId !== this.#releaseId) return;
        if (this.#fresh.length === 0) setTimeout(() => this.#show(), SHOWN_EVERY_MS);
        this.#fresh.push(progress);
      },
    });
    void this.read().then(() => this.#readProgress());
    return () => {
      this.#isStopped = true;
      stopListening();
    };
  }

  /** Reads what is on record since the last event that is known. Asked while it reads, it reads once more. */
  async read(): Promise<void> {
    this.#mustReadAgain = true;
    if (this.#isReading) return;
    this.#isReading = true;
    while (this.#mustReadAgain && !this.#isStopped) {
      this.#mustReadAgain = false;
      try {
        await this.#readOn();
        this.failure.value = null;
      } catch (failure) {
        this.failure.value = failure instanceof Error ? failure.message : String(failure);
      }
    }
    this.#isReading = false;
  }

  async #readOn(): Promise<void> {
    let events = this.record.value?.events ?? [];
    let next: number | null = events.at(-1)?.position ?? 0;
    while (next !== null && !this.#isStopped) {
      const answer: Answer<"getRelease"> = await askAsMe("getRelease", {
        path: { releaseId: this.#releaseId },
        query: { application: this.#application, after: String(next) },
      });
      events = [...events, ...answer.events];
      next = answer.next;
      this.record.value = { summary: answer.release, active: answer.active, events };
    }
  }

  #show(): void {
    const [first] = this.#fresh;
    const before = this.looks.value.filter(({ at }) => first === undefined || at < first.at);
    this.looks.value = [...before, ...this.#fresh].slice(-MOST_LOOKS);
    this.#fresh = [];
  }

  async #readProgress(): Promise<void> {
    const path = { releaseId: this.#releaseId };
    const query = { application: this.#application };
    const { progress } = await askAsMe("getProgress", { path, query }).catch(() => ({ progress: null }));
    if (progress && this.looks.value.length === 0) this.looks.value = [progress];
  }
}
