import { Worker } from "node:worker_threads";
import type { Routing, ShadowPairRecorded } from "@sluice/contracts";
import type { MirrorJob, MirrorLimits, Shadow } from "../application/shadow-port.ts";
import type { UpstreamLoad } from "../application/upstream-port.ts";
import { type DropReason, ShadowAdmission } from "../domain/shadow-admission.ts";
import { type GatewaySettings, mirrorBudgetOf } from "../settings.ts";
import type { FromShadow, ShadowStart, ToShadow } from "./shadow-worker.ts";
import { atTurnEnd } from "./turn-end.ts";

/** One that fails whenever it starts must not keep the process busy with starting it. */
const RESTART_AFTER_MS = 1_000;

const NOTHING = { tokens: 0, usd: 0 };

export interface ShadowThreadOptions {
  readonly gatewayId: string;
  readonly settings: GatewaySettings;
  /** All that are known when a thread starts. */
  readonly routings: () => Iterable<Routing>;
  readonly onPair: (pair: ShadowPairRecorded) => void;
  readonly warn: (message: string) => void;
}

/**
 * Mirrors in a thread of its own, which starts with the first candidate in shadow. What a candidate answers, however much,
 * keeps users waiting neither on the event loop nor for the garbage collector, and an error in there ends the shadow alone,
 * which starts anew. It has no bound on its heap: a thread that meets one can take the process with it (Node 26).
 */
export class ShadowThread implements Shadow {
  readonly #options: ShadowThreadOptions;
  readonly #admission: ShadowAdmission;
  #worker: Worker | null = null;
  #load: ReadonlyArray<UpstreamLoad> = [];
  #toTell: ToShadow | null = null;
  #mayStartAtMs = 0;

  constructor(options: ShadowThreadOptions) {
    this.#options = options;
    const { maxMirrorQueueBytes, ...settings } = options.settings;
    this.#admission = new ShadowAdmission({ maxQueueBytes: maxMirrorQueueBytes, ...mirrorBudgetOf(settings) });
  }

  get droppedByReason(): ReadonlyMap<DropReason, number> {
    return this.#admission.droppedByReason;
  }

  get pending(): number {
    return this.#admission.pending;
  }

  get load(): ReadonlyArray<UpstreamLoad> {
    return this.#load;
  }

  offer(limits: MirrorLimits, job: MirrorJob): void {
    if (!this.#isRunning()) this.#admission.drop("failed");
    else if (this.#admission.admits(job, limits, Date.now())) this.#telling().jobs.push(job);
  }

  rateLimited(provider: string, retryAfterMs: number | null): void {
    if (this.#worker) this.#telling().rateLimited.push([provider, retryAfterMs]);
  }

  routed({ application, candidate }: Routing): void {
    // A thread that starts is told of all, this one among them.
    if (this.#worker) this.#telling().candidates.push([application, candidate]);
    else if (candidate?.mirror) this.#isRunning();
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = null;
    this.#mayStartAtMs = Number.POSITIVE_INFINITY;
    await worker?.terminate();
  }

  #isRunning(): boolean {
    if (this.#worker) return true;
    if (performance.now() < this.#mayStartAtMs) return false;
    try {
      this.#start();
      return true;
    } catch (error) {
      this.#fail(messageOf(error));
      return false;
    }
  }

  #start(): void {
    const { gatewayId, settings, routings } = this.#options;
    const { providers, redaction, maxAnswerBytes } = settings;
    const workerData: ShadowStart = {
      gatewayId,
      settings: { providers, redaction, maxAnswerBytes },
      budget: mirrorBudgetOf(settings),
    };
    const worker = new Worker(new URL("./shadow-worker.ts", import.meta.url), { workerData });
    this.#worker = worker;
    let why = "its thread ended";
    worker.on("message", (text: string) => this.#hear(JSON.parse(text)));
    worker.on("error", (error) => {
      why = messageOf(error);
    });
    worker.on("exit", () => {
      if (this.#worker === worker) this.#fail(why);
    });
    const { candidates } = this.#telling();
    for (const { application, candidate } of routings()) candidates.push([application, candidate]);
  }

  /** All that comes in one turn of the event loop goes in one message. */
  #telling(): ToShadow {
    if (this.#toTell) return this.#toTell;
    const toTell: ToShadow = { candidates: [], rateLimited: [], jobs: [] };
    this.#toTell = toTell;
    atTurnEnd(() => {
      this.#toTell = null;
      this.#worker?.postMessage(this.#textOf(toTell));
    });
    return toTell;
  }

  /**
   * Each job by itself: one that cannot be written must not take the others with it. JSON that nests deep can be read, and
   * written by itself, but not beside what V8 writes by recursion, such as an object with a number as a key.
   */
  #textOf({ candidates, rateLimited, jobs }: ToShadow): string {
    const texts: Array<string> = [];
    for (const job of jobs) {
      try {
        texts.push(JSON.stringify(job));
      } catch {
        this.#admission.ended(job, NOTHING, Date.now());
        this.#admission.drop("unrendered");
      }
    }
    const [head, tail] = [JSON.stringify(candidates), JSON.stringify(rateLimited)];
    return `{"candidates":${head},"rateLimited":${tail},"jobs":[${texts.join(",")}]}`;
  }

  #hear({ ended, load, pausedUntilMs }: FromShadow): void {
    const nowMs = Date.now();
    for (const job of ended) {
      this.#admission.ended(job, job, nowMs);
      if (typeof job.end === "string") this.#admission.drop(job.end);
      else this.#options.onPair(job.end);
    }
    this.#admission.paused(pausedUntilMs);
    this.#load = load;
  }

  #fail(why: string): void {
    this.#worker = null;
    this.#mayStartAtMs = performance.now() + RESTART_AFTER_MS;
    this.#load = [];
    const lost = this.#admission.lose(Date.now());
    this.#options.warn(`the shadow has failed and will start anew, ${lost} mirrored requests are lost: ${why}`);
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
