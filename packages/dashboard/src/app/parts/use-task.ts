import { type ReadonlySignal, useSignal } from "@preact/signals";

export interface Task<A> {
  readonly value: ReadonlySignal<A | null>;
  readonly failure: ReadonlySignal<string | null>;
  readonly isRunning: ReadonlySignal<boolean>;
  /** Starts it, unless it runs. */
  readonly run: (work: () => Promise<A>) => Promise<void>;
}

/** Something that a person starts and waits for. */
export const useTask = <A>(): Task<A> => {
  const value = useSignal<A | null>(null);
  const failure = useSignal<string | null>(null);
  const isRunning = useSignal(false);
  const run = async (work: () => Promise<A>) => {
    if (isRunning.value) return;
    isRunning.value = true;
    failure.value = null;
    try {
      value.value = await work();
    } catch (cause) {
      value.value = null;
      failure.value = cause instanceof Error ? cause.message : String(cause);
    }
    isRunning.value = false;
  };
  return { value, failure, isRunning, run };
};
