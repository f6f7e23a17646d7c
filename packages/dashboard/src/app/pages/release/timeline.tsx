import type { RecordedEventBody } from "@sluice/contracts";
import { eventSentence } from "@sluice/release/event-sentence";
import { withLocalTimes } from "../../domain/words.ts";
import { DataTable } from "../../parts/data-table.tsx";
import { download } from "../../parts/download.ts";
import { At } from "../../parts/moments.tsx";
import { Failure } from "../../parts/notices.tsx";
import { useTask } from "../../parts/use-task.ts";
import { sendAsMe } from "../../registry/session.ts";
import { Section } from "./section.tsx";

const told = ({ event, refusal }: RecordedEventBody): string =>
  refusal ? `${eventSentence(event)} — refused: ${refusal.sentence}` : eventSentence(event);

/** Every event of the release as it is on record, newest first, refused ones too. */
export const Timeline = ({
  events,
  application,
  release,
}: {
  readonly events: ReadonlyArray<RecordedEventBody>;
  readonly application: string;
  readonly release: string;
}) => (
  <Section id="timeline" title="Record">
    <p class="muted">
      Every event of this release as it is on record, the newest first.{" "}
      <button
        type="button"
        class="plain small"
        onClick={() => download(`${release}.json`, JSON.stringify(events, null, 2), "application/json")}
      >
        JSON with all evidence
      </button>{" "}
      <PassportButton application={application} release={release} />
    </p>
    <DataTable
      caption="Events of this release"
      captionHidden
      fileName={`${release}-events`}
      rows={events.toReversed()}
      keyOf={({ position }) => String(position)}
      isMarked={({ accepted }) => !accepted}
      columns={[
        { title: "Position", numeric: true, cell: ({ position }) => position, value: ({ position }) => position },
        { title: "At", numeric: true, cell: ({ event }) => <At at={event.at} />, value: ({ event }) => event.at },
        { title: "Event", cell: ({ event }) => <code>{event._tag}</code>, value: ({ event }) => event._tag },
        {
          title: "What happened",
          cell: (row) => (
            <span class="sentence" dir="auto">
              {withLocalTimes(told(row))}
            </span>
          ),
          value: told,
        },
      ]}
    />
  </Section>
);

/** As the registry gives it, to the byte: what is checked later must be what was given. */
const PassportButton = ({ application, release }: { readonly application: string; readonly release: string }) => {
  const task = useTask<void>();
  const take = async () => {
    const answer = await sendAsMe("getPassport", { path: { releaseId: release }, query: { application } });
    download(`${release}.passport.json`, await answer.text(), "application/json");
  };
  return (
    <>
      <button type="button" class="plain small" onClick={() => task.run(take)} aria-disabled={task.isRunning.value}>
        Passport
      </button>
      {task.failure.value !== null && <Failure sentence={task.failure.value} />}
    </>
  );
};
