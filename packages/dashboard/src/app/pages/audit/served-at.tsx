import { useSignal } from "@preact/signals";
import { phaseLabel } from "../../domain/standing.ts";
import { localTime, percent } from "../../domain/words.ts";
import { DigestLink } from "../../parts/digest.tsx";
import { At } from "../../parts/moments.tsx";
import { Failure } from "../../parts/notices.tsx";
import { useTask } from "../../parts/use-task.ts";
import type { Answer } from "../../registry/client.ts";
import { applications } from "../../registry/live.ts";
import { askAsMe } from "../../registry/session.ts";
import { linkTo } from "../../router.ts";
import { Figures } from "../release/section.tsx";

/** What users of an application were served at an instant, from the record. */
export const ServedAt = () => {
  const application = useSignal("");
  const at = useSignal(localTime(Date.now()).replace(" ", "T"));
  const task = useTask<Answer<"getServedAt">>();
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    void task.run(async () => {
      const instant = new Date(at.value);
      if (application.value.trim() === "") throw new Error("Name the application first.");
      if (Number.isNaN(instant.getTime())) throw new Error("Give a date and a time.");
      return askAsMe("getServedAt", { query: { application: application.value.trim(), at: instant.toISOString() } });
    });
  };
  const served = task.value.value;
  return (
    <section class="panel" aria-labelledby="served-title">
      <h2 id="served-title">What ran then?</h2>
      <form class="inline" onSubmit={submit} noValidate>
        <label>
          Application
          <input
            list="known-applications"
            autocomplete="off"
            value={application.value}
            onInput={(event) => {
              application.value = event.currentTarget.value;
            }}
          />
        </label>
        <datalist id="known-applications">
          {[...(applications.value?.keys() ?? [])].map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <label>
          At (your time)
          <input
            type="datetime-local"
            step={1}
            value={at.value}
            onInput={(event) => {
              at.value = event.currentTarget.value;
            }}
          />
        </label>
        <button type="submit" aria-disabled={task.isRunning.value}>
          Look it up
        </button>
      </form>
      {task.failure.value !== null && <Failure sentence={task.failure.value} />}
      {served && (
        <div role="status">
          <Figures
            of={[
              ["At", <At at={served.at} />],
              ["Baseline", served.baseline ? <DigestLink digest={served.baseline.digest} /> : "not registered yet"],
              [
                "Candidate",
                served.candidate ? (
                  <>
                    <DigestLink digest={served.candidate.bundle.digest} /> for {percent(served.candidate.share)} of
                    users
                  </>
                ) : (
                  "none"
                ),
              ],
              [
                "Release",
                served.candidate ? (
                  <a href={linkTo.release(served.application, served.candidate.releaseId)}>
                    {served.candidate.releaseId} ({phaseLabel(served.candidate.phase)})
                  </a>
                ) : (
                  "–"
                ),
              ],
              ["Rests on row", served.position],
            ]}
          />
        </div>
      )}
    </section>
  );
};
