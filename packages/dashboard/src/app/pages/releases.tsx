import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { phaseLabel, phaseUrgency } from "../domain/standing.ts";
import { count, localTime } from "../domain/words.ts";
import { DataTable } from "../parts/data-table.tsx";
import { FreezeActions } from "../parts/freeze-actions.tsx";
import { At } from "../parts/moments.tsx";
import { Failure, Loading, Nothing } from "../parts/notices.tsx";
import { StatusChip } from "../parts/status-chip.tsx";
import { useAnswer } from "../parts/use-answer.ts";
import { applications, listen } from "../registry/live.ts";
import { askAsMe } from "../registry/session.ts";
import { linkTo } from "../router.ts";
import { RollBack } from "./releases/roll-back.tsx";

const PAGE = 100;
/** The registry's own limit. */
const MOST = 1_000;

/** Releases, those that changed last first; of one application or of all. */
export const ReleasesPage = ({ application }: { readonly application: string | null }) => {
  const limit = useSignal(PAGE);
  const wanted = useSignal("");
  const version = useSignal(0);
  const answer = useAnswer(`${application} ${limit.value} ${version.value}`, () =>
    askAsMe("listReleases", { query: { application: application ?? undefined, limit: String(limit.value) } }),
  );
  // While the next answer is on its way the last one stays: a list that flickers cannot be read.
  const last = useSignal(answer.value.value);
  if (answer.value.value !== null) last.value = answer.value.value;
  useEffect(
    () =>
      listen({
        onOpened: () => {
          version.value += 1;
        },
        onEvent: ({ event }) => {
          if (event._tag === "ReleaseRequested" || event._tag.startsWith("Release")) version.value += 1;
        },
      }),
    [],
  );
  const body = last.value;
  const title = application === null ? "Releases" : `Releases of ${application}`;
  if (answer.value.failure !== null) return <Failure sentence={answer.value.failure} />;
  if (body === null) return <Loading />;
  const text = wanted.value.trim().toLowerCase();
  const shown = body.releases.filter((release) =>
    [release.application, release.releaseId, release.phase].some((field) => field.toLowerCase().includes(text)),
  );
  return (
    <>
      <div class="page-head">
        <h1>{title}</h1>
        {application !== null && (
          <div class="buttons">
            <RollBack application={application} />
            <FreezeActions application={application} freezes={applications.value?.get(application)?.freezes ?? []} />
          </div>
        )}
        <label class="filter">
          <span class="visually-hidden">Filter releases</span>
          <input
            type="search"
            placeholder="Application, id or phase"
            value={wanted.value}
            onInput={(event) => {
              wanted.value = event.currentTarget.value;
            }}
          />
        </label>
      </div>
      {body.releases.length === 0 ? (
        <Nothing>
          No release yet. CI asks for one with <code>sluice release request</code>.
        </Nothing>
      ) : (
        <DataTable
          caption={`${count(shown.length)} of the ${count(body.releases.length)} that changed last`}
          fileName="releases"
          rows={shown}
          keyOf={(release) => `${release.application}/${release.releaseId}`}
          columns={[
            {
              title: "Phase",
              cell: ({ phase }) => <StatusChip urgency={phaseUrgency(phase)} label={phaseLabel(phase)} />,
              value: ({ phase }) => phase,
            },
            {
              title: "Release",
              cell: (release) => (
                <a class="break" href={linkTo.release(release.application, release.releaseId)}>
                  {release.releaseId}
                </a>
              ),
              value: ({ releaseId }) => releaseId,
            },
            {
              title: "Application",
              cell: (release) => (
                <a class="break" href={linkTo.releases(release.application)}>
                  {release.application}
                </a>
              ),
              value: (release) => release.application,
            },
            {
              title: "Since",
              cell: ({ since }) => <At at={since} />,
              value: ({ since }) => localTime(since),
              numeric: true,
            },
          ]}
        />
      )}
      {body.releases.length === limit.value && limit.value < MOST && (
        <button
          type="button"
          onClick={() => {
            limit.value = Math.min(MOST, limit.value * 5);
          }}
        >
          Show more
        </button>
      )}
    </>
  );
};
