import { useSignal } from "@preact/signals";
import { localTime, plural, shortDigest } from "../../domain/words.ts";
import { ActionDialog } from "../../parts/action-dialog.tsx";
import { Failure } from "../../parts/notices.tsx";
import { useTask } from "../../parts/use-task.ts";
import { applications } from "../../registry/live.ts";
import { type ReleasedBundle, releasedBundles } from "../../registry/released-bundles.ts";
import { askAsMe, may } from "../../registry/session.ts";

/** Back to a bundle that was fully released before: absent without the role, and where there is none. */
export const RollBack = ({ application }: { readonly application: string }) => {
  const task = useTask<ReadonlyArray<ReleasedBundle>>();
  const isOpen = useSignal(false);
  const baseline = applications.value?.get(application)?.baseline?.digest ?? null;
  if (!may("operate") || baseline === null) return null;
  const open = async () => {
    await task.run(async () => (await releasedBundles(application)).filter(({ digest }) => digest !== baseline));
    isOpen.value = task.failure.value === null;
  };
  const bundles = task.value.value ?? [];
  return (
    <>
      <button type="button" class="danger" onClick={open} aria-disabled={task.isRunning.value}>
        {task.isRunning.value ? "Reading…" : "Roll back the baseline…"}
      </button>
      {task.failure.value !== null && <Failure sentence={task.failure.value} />}
      {isOpen.value && bundles.length === 0 && (
        <p class="muted" role="status">
          No other bundle has been fully released in {application}: there is nothing to go back to.
        </p>
      )}
      {isOpen.value && bundles.length > 0 && (
        <ActionDialog
          title={`Roll back: ${application}`}
          confirm="Roll back"
          dangerous
          effect={`All users of ${application} get the chosen bundle at once, without gates. A release that is under way ends.`}
          fields={
            <>
              <label for="to">Bundle ({plural(bundles.length, "choice")})</label>
              <select id="to" name="to">
                {bundles.map(({ digest, at, releaseId }) => (
                  <option key={digest} value={digest}>
                    {shortDigest(digest)} · since {localTime(at)} · {releaseId ?? "as registered"}
                  </option>
                ))}
              </select>
            </>
          }
          act={({ reason, fields, key }) =>
            askAsMe("rollBackApplication", {
              path: { application },
              body: { reason, to: String(fields.get("to") ?? "") },
              headers: { "idempotency-key": key },
            })
          }
          close={() => {
            isOpen.value = false;
          }}
        />
      )}
    </>
  );
};
