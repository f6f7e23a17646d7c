import { useSignal } from "@preact/signals";
import type { AuditRow, ReleaseEvent } from "@sluice/contracts";
import { eventSentence } from "@sluice/release/event-sentence";
import { useEffect, useRef } from "preact/hooks";
import { count, withLocalTimes } from "../../domain/words.ts";
import { DataTable } from "../../parts/data-table.tsx";
import { At } from "../../parts/moments.tsx";
import { Failure } from "../../parts/notices.tsx";
import { type Found, searchRecord } from "../../registry/search-record.ts";
import { linkTo } from "../../router.ts";

/** Whoever did it; services act without a name. */
const personOf = (row: AuditRow): string => {
  const { author } = JSON.parse(row.payload) as { author?: { id?: string; role?: string } | null };
  return author?.id ? `${author.id} (${author.role ?? "?"})` : "–";
};
const toldBy = (row: AuditRow): string => {
  try {
    const sentence = eventSentence(JSON.parse(row.payload) as ReleaseEvent);
    return row.refusal ? `${sentence} — refused: ${row.refusal.sentence}` : sentence;
  } catch {
    return "an event that could not be read";
  }
};

export const RecordSearch = () => {
  const text = useSignal("");
  const found = useSignal<Found | null>(null);
  const failure = useSignal<string | null>(null);
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    running.current?.abort();
    failure.value = found.value = null;
    const wanted = text.value.trim();
    if (wanted.length < 2) {
      failure.value = "Give at least two characters: of a release, a digest, a person or a reason.";
      return;
    }
    const stop = new AbortController();
    running.current = stop;
    try {
      await searchRecord(wanted, stop.signal, (so_far) => {
        if (!stop.signal.aborted) found.value = so_far;
      });
    } catch (cause) {
      if (!stop.signal.aborted) failure.value = cause instanceof Error ? cause.message : String(cause);
    }
  };
  return (
    <section class="panel" aria-labelledby="search-title">
      <h2 id="search-title">Who did what?</h2>
      <form class="inline" onSubmit={submit} noValidate>
        <label>
          Release, digest, person or word
          <input
            type="search"
            value={text.value}
            onInput={(event) => {
              text.value = event.currentTarget.value;
            }}
          />
        </label>
        <button type="submit">Search the record</button>
      </form>
      {failure.value !== null && <Failure sentence={failure.value} />}
      {found.value && (
        <>
          <p class="muted" role="status">
            {count(found.value.rows.length)} in {count(found.value.read)} rows
            {found.value.isComplete ? ", which is all" : ""}.
          </p>
          {found.value.rows.length > 0 && (
            <DataTable
              caption="Rows of the record"
              captionHidden
              fileName="record-search"
              rows={found.value.rows}
              keyOf={({ position }) => String(position)}
              isMarked={({ refusal }) => refusal !== null}
              columns={[
                {
                  title: "Position",
                  numeric: true,
                  cell: ({ position }) => position,
                  value: ({ position }) => position,
                },
                {
                  title: "Recorded",
                  numeric: true,
                  cell: ({ recordedAt }) => <At at={recordedAt} />,
                  value: ({ recordedAt }) => recordedAt,
                },
                {
                  title: "Application",
                  cell: ({ application }) => <span class="break">{application}</span>,
                  value: ({ application }) => application,
                },
                {
                  title: "Release",
                  cell: ({ application, releaseId }) =>
                    releaseId === null ? (
                      "–"
                    ) : (
                      <a class="break" href={linkTo.release(application, releaseId)}>
                        {releaseId}
                      </a>
                    ),
                  value: ({ releaseId }) => releaseId,
                },
                { title: "Event", cell: ({ type }) => <code>{type}</code>, value: ({ type }) => type },
                { title: "By", cell: (row) => <bdi class="break">{personOf(row)}</bdi>, value: personOf },
                {
                  title: "What happened",
                  cell: (row) => (
                    <span class="sentence" dir="auto">
                      {withLocalTimes(toldBy(row))}
                    </span>
                  ),
                  value: toldBy,
                },
              ]}
            />
          )}
        </>
      )}
    </section>
  );
};
