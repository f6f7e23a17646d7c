import { nowMs } from "../../clock.ts";
import type { Stage, StageStatus } from "../../domain/release-story.ts";
import { clockTime, duration, localTime, withLocalTimes } from "../../domain/words.ts";

const words: { readonly [S in StageStatus]: string } = {
  passed: "passed",
  failed: "failed",
  running: "under way",
  held: "held",
  overridden: "overridden",
  waiting: "to come",
  skipped: "not reached",
};
/** The end's title says how it ended; a stage in which a release ended was reached. */
const wordOf = ({ id, status, startedAt, endedAt }: Stage): string | null => {
  if (id === "end" && endedAt !== null) return null;
  return status === "skipped" && startedAt !== null ? "not finished" : words[status];
};
/** One shape a status, so that the way can be read without colours. */
const shapes: { readonly [S in StageStatus]: string } = {
  passed: "m3.5 8.5 3 3 6-7",
  failed: "m4 4 8 8m0-8-8 8",
  running: "M5 3.5 12 8l-7 4.5Z",
  held: "M5 3.5v9m6-9v9",
  overridden: "m3.5 5.5 4.5 5 4.5-5",
  waiting: "M8 8h.01",
  skipped: "M4 8h8",
};

/** Gate → shadow → steps → end as one picture: what happened, when, how long it took. */
export const StageWay = ({ stages }: { readonly stages: ReadonlyArray<Stage> }) => (
  <section aria-labelledby="way-title">
    <h2 id="way-title" class="visually-hidden">
      The release’s way
    </h2>
    <ol class="way">
      {stages.map((stage) => (
        <li
          key={stage.id}
          class={`stage stage-${stage.status}`}
          aria-current={stage.status === "running" || stage.status === "held" ? "step" : undefined}
        >
          <span class="stage-mark">
            <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
              <path
                d={shapes[stage.status]}
                fill="none"
                stroke="currentColor"
                stroke-width="2"
                stroke-linecap="round"
                stroke-linejoin="round"
              />
            </svg>
          </span>
          <h3>
            {stage.title} <span class="stage-word">{wordOf(stage)}</span>
          </h3>
          <p class="stage-time">
            <Span stage={stage} />
          </p>
          {stage.sentence !== null && (
            <p class="stage-sentence" dir="auto" title={stage.sentence}>
              {withLocalTimes(stage.sentence)}
            </p>
          )}
        </li>
      ))}
    </ol>
  </section>
);

const Span = ({ stage: { startedAt, endedAt } }: { readonly stage: Stage }) => {
  if (startedAt === null && endedAt === null) return <span class="muted">–</span>;
  if (startedAt === null) return <time title={localTime(endedAt ?? "")}>{clockTime(endedAt ?? "")}</time>;
  const end = endedAt === null ? nowMs.value : Date.parse(endedAt);
  return (
    <>
      <time title={localTime(startedAt)}>{clockTime(startedAt)}</time>{" "}
      <span class="muted">{duration(end - Date.parse(startedAt))}</span>
    </>
  );
};
