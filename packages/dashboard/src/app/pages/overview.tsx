import { computed, useSignal } from "@preact/signals";
import { Component } from "preact";
import { nowMs } from "../clock.ts";
import { byUrgency, type Row, type Urgency, urgencies } from "../domain/standing.ts";
import { count, percent, plural, withLocalTimes } from "../domain/words.ts";
import { DigestLink } from "../parts/digest.tsx";
import { FreezeActions } from "../parts/freeze-actions.tsx";
import { At, Since } from "../parts/moments.tsx";
import { Loading, Nothing } from "../parts/notices.tsx";
import { StatusChip, StatusMark } from "../parts/status-chip.tsx";
import { applications } from "../registry/live.ts";
import { linkTo } from "../router.ts";

/** To the minute: what is fresh enough to be shown does not change by the second. */
const thisMinute = computed(() => Math.floor(nowMs.value / 60_000) * 60_000);
const rows = computed(() => applications.value && byUrgency(applications.value.values(), thisMinute.value));

const headings: { readonly [U in Urgency]: readonly [title: string, meaning: string] } = {
  wrong: ["Breached", "a check has failed; traffic is pinned to the baseline and somebody is paged"],
  held: ["Held or paused", "nothing goes forward until somebody or something lets it"],
  stopped: ["Ended early", "since yesterday; the author has to look"],
  moving: ["Under way", "going forward by itself"],
  quiet: ["Serving", "no active release"],
};

/** Every application; what needs a person comes first. */
export const Overview = () => {
  const wanted = useSignal("");
  const all = rows.value;
  if (all === null) return <Loading />;
  if (all.length === 0)
    return (
      <Nothing>
        No application is registered yet. Say what is served now with{" "}
        <code>sluice application register --config sluice.yaml</code>; from then on each change of its bundle is a
        release.
      </Nothing>
    );
  const shown = all.filter(({ state }) => state.application.includes(wanted.value.trim().toLowerCase()));
  const groups = urgencies.map(
    (urgency) => [urgency, shown.filter(({ standing }) => standing.urgency === urgency)] as const,
  );
  const needed = all.filter(({ standing }) => standing.urgency === "wrong" || standing.urgency === "held").length;
  return (
    <>
      <div class="page-head">
        <h1>
          {needed === 0
            ? "Nothing needs you"
            : `${plural(needed, "release")} ${needed === 1 ? "needs" : "need"} somebody`}
        </h1>
        <p class="tally">
          {urgencies.map((urgency) => (
            <span key={urgency} class={`tally-${urgency}`}>
              <StatusMark urgency={urgency} />{" "}
              {count(all.filter(({ standing }) => standing.urgency === urgency).length)}{" "}
              {headings[urgency][0].toLowerCase()}
            </span>
          ))}
        </p>
        <label class="filter">
          <span class="visually-hidden">Filter by application</span>
          <input
            id="filter"
            type="search"
            placeholder="Filter applications"
            value={wanted.value}
            onInput={(event) => {
              wanted.value = event.currentTarget.value;
            }}
          />
        </label>
      </div>
      <FreezeActions
        application={null}
        freezes={all.flatMap(({ state }) => (state.freezes ?? []).filter(({ scope }) => scope === "all"))}
      />
      {shown.length === 0 && <Nothing>No application’s name has “{wanted.value}” in it.</Nothing>}
      {groups.map(
        ([urgency, members]) => members.length > 0 && <Group key={urgency} urgency={urgency} members={members} />,
      )}
    </>
  );
};

const Group = ({ urgency, members }: { readonly urgency: Urgency; readonly members: ReadonlyArray<Row> }) => {
  const [title, meaning] = headings[urgency];
  return (
    <section class="group" aria-labelledby={`group-${urgency}`}>
      <h2 id={`group-${urgency}`}>
        {title}{" "}
        <span class="muted">
          {count(members.length)} · {meaning}
        </span>
      </h2>
      <ul class={`rows rows-${urgency}`}>
        {members.map((row) => (
          <ApplicationRow key={row.state.application} {...row} />
        ))}
      </ul>
    </section>
  );
};

/** Rendered again only when its state has changed: with hundreds of applications most have not. */
class ApplicationRow extends Component<Row> {
  override shouldComponentUpdate({ state, standing }: Row): boolean {
    return state !== this.props.state || standing.label !== this.props.standing.label;
  }

  override render({ state, standing }: Row) {
    return <ApplicationCells state={state} standing={standing} />;
  }
}

const ApplicationCells = ({ state, standing }: Row) => {
  const { active, application, baseline, queued } = state;
  return (
    <li class="row">
      <div class="row-status">
        <StatusChip urgency={standing.urgency} label={standing.label} />
      </div>
      <div class="row-name">
        <h3>
          <a
            href={
              standing.releaseId === null
                ? linkTo.releases(application)
                : linkTo.release(application, standing.releaseId)
            }
          >
            {application}
          </a>
        </h3>
        <span class="muted">
          {standing.releaseId ?? "no release yet"}
          {active?.overridden && " · gate overridden"}
          {(state.freezes?.length ?? 0) > 0 && " · frozen"}
          {queued.length > 0 && ` · ${count(queued.length)} queued`}
        </span>
      </div>
      <div class="row-share">
        {active ? (
          <>
            <span class="figure">{percent(active.share)}</span>
            <span class="muted">{active.step === null ? "of users" : `of users, step ${active.step + 1}`}</span>
            <meter
              class="share"
              min={0}
              max={1}
              value={active.share}
              aria-label={`Share of users on the candidate of ${application}`}
            >
              {percent(active.share)}
            </meter>
          </>
        ) : (
          <span class="muted">baseline {baseline ? <DigestLink digest={baseline.digest} /> : "none"}</span>
        )}
      </div>
      <p class="row-waits">
        {standing.waitsFor !== null && (
          <>
            <span class="muted">Waits for </span>
            {withLocalTimes(standing.waitsFor)}
          </>
        )}
        {active?.hold && (
          <span class="deadline">
            {" "}
            Rolled back at <At at={active.hold.until} /> if that does not end.
          </span>
        )}
      </p>
      <div class="row-since">
        <span class="muted">for </span>
        <Since at={standing.since} />
      </div>
    </li>
  );
};
