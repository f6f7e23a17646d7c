import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Failure } from "./notices.tsx";

interface Props {
  /** `Abort the release`: heading and button say the same. */
  readonly title: string;
  readonly confirm: string;
  /** What will happen, in one sentence that names it. */
  readonly effect: ComponentChildren;
  readonly dangerous?: boolean;
  /** Further fields of the form, by name. */
  readonly fields?: ComponentChildren;
  /** Sends it; the sentence of what it throws is shown, and the form stays as it is. `key` is the same on each try. */
  readonly act: (form: {
    readonly reason: string;
    readonly fields: FormData;
    readonly key: string;
  }) => Promise<unknown>;
  readonly close: () => void;
}

const LONGEST_REASON = 4_000;

/** Random, and there in every browser context (`randomUUID` is not without TLS). */
const newKey = (): string => [...crypto.getRandomValues(new Uint32Array(4))].map((n) => n.toString(36)).join("-");

/** Asks for a reason and a confirmation that names the effect. Escape or Cancel changes nothing. */
export const ActionDialog = ({ title, confirm, effect, dangerous, fields, act, close }: Props) => {
  const dialog = useRef<HTMLDialogElement>(null);
  const key = useRef(newKey());
  const reason = useSignal("");
  const problem = useSignal<string | null>(null);
  const isSending = useSignal(false);
  useEffect(() => {
    const opener = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, []);

  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    if (isSending.value) return;
    if (reason.value.trim() === "") {
      problem.value = "Say why: the reason goes on record with your name.";
      dialog.current?.querySelector("textarea")?.focus();
      return;
    }
    problem.value = null;
    isSending.value = true;
    try {
      const form = event.currentTarget instanceof HTMLFormElement ? new FormData(event.currentTarget) : new FormData();
      await act({ reason: reason.value.trim(), fields: form, key: key.current });
      close();
    } catch (failure) {
      problem.value = failure instanceof Error ? failure.message : String(failure);
    } finally {
      isSending.value = false;
    }
  };

  return (
    <dialog ref={dialog} aria-labelledby="action-title" onClose={close}>
      <form onSubmit={submit} noValidate>
        <h2 id="action-title">{title}</h2>
        <p class="effect">{effect}</p>
        {fields}
        <label for="action-reason">
          Reason <span class="muted">(required, goes on record with your name)</span>
        </label>
        <textarea
          id="action-reason"
          rows={3}
          maxLength={LONGEST_REASON}
          value={reason.value}
          aria-invalid={problem.value !== null && reason.value.trim() === ""}
          aria-describedby={problem.value === null ? undefined : "action-problem"}
          onInput={(event) => {
            reason.value = event.currentTarget.value;
          }}
        />
        <div id="action-problem">{problem.value !== null && <Failure sentence={problem.value} />}</div>
        <div class="buttons">
          <button type="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" class={dangerous ? "danger" : "primary"} aria-disabled={isSending.value}>
            {isSending.value ? "Sending…" : confirm}
          </button>
        </div>
      </form>
    </dialog>
  );
};
