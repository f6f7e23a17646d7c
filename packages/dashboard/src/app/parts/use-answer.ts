import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

export interface Answered<A> {
  readonly value: A | null;
  readonly failure: string | null;
}

/** Asks when `key` changes. An answer that comes after the next question was asked is thrown away. */
export const useAnswer = <A>(key: string, ask: () => Promise<A>): Signal<Answered<A>> => {
  const answered = useSignal<Answered<A>>({ value: null, failure: null });
  useEffect(() => {
    let isPresent = true;
    const settle = (answer: Answered<A>) => {
      if (isPresent) answered.value = answer;
    };
    answered.value = { value: null, failure: null };
    ask().then(
      (value) => settle({ value, failure: null }),
      (failure: unknown) =>
        settle({ value: null, failure: failure instanceof Error ? failure.message : String(failure) }),
    );
    return () => {
      isPresent = false;
    };
  }, [key]);
  return answered;
};
