import { MirrorBudget, type MirrorBudgetLimits } from "./mirror-budget.ts";

/** Why a sampled request was not mirrored, or its pair was lost; `failed`: the shadow itself broke. */
export type DropReason =
  | "queue-full"
  | "memory"
  | "rate"
  | "budget"
  | "rate-limited"
  | "stale"
  | "unrendered"
  | "failed";

export interface AdmissionLimits extends MirrorBudgetLimits {
  /** Of copies that wait or are under way, over all applications. */
  readonly maxQueueBytes: number;
}

/** What of a copied request counts against the bounds. */
export interface Copy {
  readonly application: string;
  readonly provider: string;
  /** Of the request and what it was answered. */
  readonly bytes: number;
}

interface Admitted {
  readonly budget: MirrorBudget;
  /** Copies that wait or are under way. */
  pending: number;
  pendingBytes: number;
}

/** Four characters a token, where nobody will count them any more. */
const BYTES_PER_TOKEN = 4;

/** Which copies of users' requests a shadow takes, and how many it did not take or lost, by reason. */
export class ShadowAdmission {
  readonly #limits: AdmissionLimits;
  readonly #byApplication = new Map<string, Admitted>();
  readonly #droppedByReason = new Map<DropReason, number>();
  readonly #pausedUntilMs = new Map<string, number>();
  #pendingBytes = 0;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  get droppedByReason(): ReadonlyMap<DropReason, number> {
    return this.#droppedByReason;
  }

  get pending(): number {
    let sum = 0;
    for (const { pending } of this.#byApplication.values()) sum += pending;
    return sum;
  }

  /** An admitted copy counts until it has `ended`; one that is not admitted is counted as dropped. */
  admits(copy: Copy, queue: { readonly queueLimit: number; readonly concurrency: number }, nowMs: number): boolean {
    const admitted = this.#admittedOf(copy.application);
    const forbidden = this.#forbids(copy, admitted, queue.queueLimit + queue.concurrency, nowMs);
    if (forbidden) {
      this.drop(forbidden);
      return false;
    }
    admitted.pending += 1;
    admitted.pendingBytes += copy.bytes;
    this.#pendingBytes += copy.bytes;
    return true;
  }

  /** What it used is known only now: calls under way may go over an hour's bound, by at most their concurrency. */
  ended(copy: Omit<Copy, "provider">, used: { readonly tokens: number; readonly usd: number }, nowMs: number): void {
    const admitted = this.#admittedOf(copy.application);
    admitted.pending -= 1;
    admitted.pendingBytes -= copy.bytes;
    admitted.budget.spend(used.tokens, used.usd, nowMs);
    this.#pendingBytes -= copy.bytes;
  }

  /** Providers that are to be left alone, and until when (epoch milliseconds). A shadow that starts anew knows of none. */
  paused(untilMs: Iterable<readonly [provider: string, untilMs: number]>): void {
    for (const [provider, ms] of untilMs) {
      this.#pausedUntilMs.set(provider, Math.max(ms, this.#pausedUntilMs.get(provider) ?? 0));
    }
  }

  drop(reason: DropReason, count = 1): void {
    this.#droppedByReason.set(reason, (this.#droppedByReason.get(reason) ?? 0) + count);
  }

  /**
   * Nothing that is pending will end. Budgets stay spent, and pay for what is lost: a shadow that fails again and again must
   * not cost more than one that does not. Returns how many were lost.
   */
  lose(nowMs: number): number {
    const lost = this.pending;
    this.drop("failed", lost);
    for (const admitted of this.#byApplication.values()) {
      admitted.budget.spend(Math.ceil(admitted.pendingBytes / BYTES_PER_TOKEN), 0, nowMs);
      admitted.pending = 0;
      admitted.pendingBytes = 0;
    }
    this.#pendingBytes = 0;
    return lost;
  }

  #forbids(copy: Copy, { pending, budget }: Admitted, maxPending: number, nowMs: number): DropReason | null {
    if (pending >= maxPending) return "queue-full";
    if (this.#pendingBytes + copy.bytes > this.#limits.maxQueueBytes) return "memory";
    if (nowMs < (this.#pausedUntilMs.get(copy.provider) ?? 0)) return "rate-limited";
    return budget.take(nowMs);
  }

  #admittedOf(application: string): Admitted {
    const known = this.#byApplication.get(application);
    if (known) return known;
    const admitted = { budget: new MirrorBudget(this.#limits), pending: 0, pendingBytes: 0 };
    this.#byApplication.set(application, admitted);
    return admitted;
  }
}
