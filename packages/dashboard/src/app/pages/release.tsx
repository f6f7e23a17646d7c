import { useEffect, useMemo } from "preact/hooks";
import { nowMs } from "../clock.ts";
import { storyOf } from "../domain/release-story.ts";
import { phaseLabel, phaseUrgency, standingOf } from "../domain/standing.ts";
import { percent, withLocalTimes } from "../domain/words.ts";
import { Since } from "../parts/moments.tsx";
import { Failure, Loading } from "../parts/notices.tsx";
import { StatusChip } from "../parts/status-chip.tsx";
import { applications } from "../registry/live.ts";
import { FollowedRelease } from "../registry/release-record.ts";
import { linkTo } from "../router.ts";
import { Actions } from "./release/actions.tsx";
import { CanarySection } from "./release/canary-section.tsx";
import { ForecastSection } from "./release/forecast-section.tsx";
import { GateSection } from "./release/gate-section.tsx";
import { Mitigation } from "./release/mitigation.tsx";
import { RequestSection } from "./release/request-section.tsx";
import { ShadowSection } from "./release/shadow-section.tsx";
import { StageWay } from "./release/stage-way.tsx";
import { Timeline } from "./release/timeline.tsx";
import { WordsSection } from "./release/words-section.tsx";

interface Props {
  readonly application: string;
  readonly releaseId: string;
}

export const ReleasePage = ({ application, releaseId }: Props) => {
  const followed = useMemo(() => new FollowedRelease(application, releaseId), [application, releaseId]);
  useEffect(() => followed.start(), [followed]);
  const record = followed.record.value;
  const story = useMemo(() => (record ? storyOf(record.events) : null), [record?.events]);
  if (!record || !story)
    return followed.failure.value === null ? <Loading /> : <Failure sentence={followed.failure.value} />;
  const { summary, events } = record;
  const state = applications.value?.get(application);
  const isActive = state?.active?.releaseId === releaseId;
  const active = isActive ? (state?.active ?? null) : null;
  const standing = isActive && state ? standingOf(state, nowMs.peek()) : null;
  return (
    <article class="release">
      <div class="page-head">
        <p class="crumbs">
          <a href={linkTo.releases(application)}>{application}</a>
        </p>
        <h1>
          <span class="break">{releaseId}</span>{" "}
          <StatusChip
            urgency={standing?.urgency ?? phaseUrgency(summary.phase)}
            label={standing?.label ?? phaseLabel(summary.phase)}
          />
        </h1>
        <p class="lead" dir="auto">
          {story.request?.description || <span class="muted">no description</span>}
        </p>
      </div>
      {followed.failure.value !== null && (
        <Failure sentence={`This page may be out of date: ${followed.failure.value}.`} />
      )}
      <div class="now" role="status">
        {active ? (
          <>
            <p>
              <strong class="figure">{percent(active.share)}</strong> of users on the candidate
            </p>
            <p>{active.waitsFor === null ? "Waits for nothing" : <>Waits for {withLocalTimes(active.waitsFor)}</>}</p>
          </>
        ) : (
          <p>
            {phaseLabel(summary.phase)}:{" "}
            {withLocalTimes(
              story.stages.at(-1)?.sentence ?? story.stages.findLast(({ sentence }) => sentence)?.sentence ?? "",
            )}
          </p>
        )}
        <p class="muted">
          for{" "}
          <span aria-hidden="true">
            <Since at={active?.since ?? summary.since} />
          </span>
        </p>
      </div>
      <Actions
        application={application}
        releaseId={releaseId}
        phase={active?.phase ?? summary.phase}
        active={active}
        approvals={story.request?.policy.override?.approvals ?? 1}
        onDone={() => void followed.read()}
      />
      <StageWay stages={story.stages} />
      <CanarySection story={story} progress={followed.looks} release={releaseId} />
      <Mitigation events={events} release={releaseId} />
      <ForecastSection forecast={story.request?.forecast} release={releaseId} />
      <ShadowSection story={story} release={releaseId} />
      <GateSection story={story} release={releaseId} />
      <RequestSection story={story} baseline={state?.baseline?.digest ?? null} />
      <Timeline events={events} application={application} release={releaseId} />
      <WordsSection />
    </article>
  );
};
