import { useSignal } from "@preact/signals";
import { count, plural } from "../../domain/words.ts";
import { Failure } from "../../parts/notices.tsx";
import { StatusChip } from "../../parts/status-chip.tsx";
import { useTask } from "../../parts/use-task.ts";
import { type CheckedPassport, checkPassport } from "../../passport/verify-passport.ts";
import { sendAsMe } from "../../registry/session.ts";
import { linkTo } from "../../router.ts";

interface Checked extends CheckedPassport {
  /** Whether this registry signs with the same key; null when it tells none. */
  readonly isOurs: boolean | null;
}

const registryKey = async (): Promise<string | null> => {
  try {
    return (await (await sendAsMe("getAuditKey")).text()).trim() || null;
  } catch {
    return null;
  }
};

/** What another key has signed may hold in itself and be anybody's: that is not what holds here. */
const findingOf = ({ faults, isOurs }: Checked) => {
  if (faults.length > 0) return { urgency: "wrong", label: plural(faults.length, "fault") } as const;
  return isOurs === false
    ? ({ urgency: "held", label: "Signed with another key" } as const)
    : ({ urgency: "quiet", label: "Holds" } as const);
};

/** A passport is checked here, by this browser: the file does not leave it. */
export const PassportCheck = () => {
  const isOver = useSignal(false);
  const task = useTask<Checked>();
  const check = (file: File | undefined) => {
    if (!file) return;
    void task.run(async () => {
      if (!globalThis.crypto?.subtle)
        throw new Error(
          "This browser checks signatures only over https or on the registry's own machine; use sluice audit verify there.",
        );
      const checked = await checkPassport(await file.text());
      const ours = await registryKey();
      return { ...checked, isOurs: ours === null ? null : ours === checked.key };
    });
  };
  const checked = task.value.value;
  return (
    <section class="panel" aria-labelledby="passport-title">
      <h2 id="passport-title">Does a passport hold?</h2>
      <p>
        A release’s passport (on its page) is all that is on record of it, with proofs. It is checked here in your
        browser, against nothing but itself and the key it names.
      </p>
      <label
        class={`drop ${isOver.value ? "drop-over" : ""}`}
        onDragOver={(event) => {
          event.preventDefault();
          isOver.value = true;
        }}
        onDragLeave={() => {
          isOver.value = false;
        }}
        onDrop={(event) => {
          event.preventDefault();
          isOver.value = false;
          check(event.dataTransfer?.files[0]);
        }}
      >
        Drop a passport here, or choose its file
        <input
          type="file"
          accept=".json,application/json"
          onChange={(event) => {
            check(event.currentTarget.files?.[0]);
            event.currentTarget.value = "";
          }}
        />
      </label>
      {task.failure.value !== null && <Failure sentence={task.failure.value} />}
      {checked && (
        <div role="status">
          <p>
            <StatusChip {...findingOf(checked)} />{" "}
            <a href={linkTo.release(checked.application, checked.releaseId)}>{checked.releaseId}</a> of{" "}
            {checked.application}: {plural(checked.rows, "row")}, {plural(checked.attestations, "attestation")}, under a
            checkpoint of {count(checked.signed)} rows.
          </p>
          {checked.faults.length > 0 && (
            <ul class="reasons">
              {checked.faults.map((fault) => (
                <li key={fault}>{fault}</li>
              ))}
            </ul>
          )}
          <p>
            Signed with <code class="break">{checked.key}</code>.{" "}
            {checked.isOurs === null
              ? "This registry tells no key; compare it with one that you had before."
              : checked.isOurs
                ? "This registry signs with the same key."
                : "This registry signs with another key: believe it only if you know this one."}
          </p>
        </div>
      )}
    </section>
  );
};
