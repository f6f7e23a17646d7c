import { epochMsOf, judgementsTopic, type ObservationEvent, timestampOf } from "@sluice/contracts";
import { EventBus, type Received } from "@sluice/event-bus";
import { Judge } from "@sluice/judge";
import { policyOf } from "@sluice/release";
import { ReleaseLog } from "@sluice/release-log";
import * as Arr from "effect/Array";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { type Answer, isJudgeable, type JudgingTask, pairTask, responseTask, type Score } from "../domain/judging.ts";
import { relevanceOf } from "../domain/release-relevance.ts";
import type { SeriesBook } from "../domain/series-book.ts";
import type { ShadowJudgeSettings } from "../settings.ts";

/** The data is of a release that this service's fold of the log has not reached yet: the batch comes again. */
class LogBehind extends Schema.TaggedError<LogBehind>()("LogBehind", { message: Schema.String }) {}

/**
 * Handles a batch of the observations topic: judges pairs of releases in shadow and sampled responses of releases in
 * canary, and publishes the judgements in the order of the batch. So the order of the pairs does not depend on how long a
 * judge took. What was judged before the batch came again has the same judgement id.
 */
export const judgeObservations = Effect.fnUntraced(function* (settings: ShadowJudgeSettings, book: SeriesBook) {
  const log = yield* ReleaseLog;
  const bus = yield* EventBus;
  const judge = yield* Judge;

  const tasksOf = (event: ObservationEvent, nowMs: number): ReadonlyArray<JudgingTask> | LogBehind => {
    const applications = log.applications();
    const state = applications.get(event.application);
    if (event._tag === "ShadowPairRecorded") {
      const relevance = relevanceOf(state, event.releaseId, "shadow");
      if (relevance.is === "not-yet-known") return behind(event.releaseId, epochMsOf(event.at), nowMs);
      if (relevance.is === "past" || book.of(relevance.release).has(event.pairId)) return [];
      return [pairTask(event, policyOf(relevance.release).judge)];
    }
    const tasks: Array<JudgingTask> = [];
    for (const observation of event.observations.filter(isJudgeable)) {
      const relevance = relevanceOf(state, observation.releaseId, "canary");
      if (relevance.is === "wanted") tasks.push(responseTask(observation, policyOf(relevance.release).judge));
      if (relevance.is !== "not-yet-known") continue;
      const waiting = behind(observation.releaseId, epochMsOf(observation.endedAt), nowMs);
      if (waiting instanceof LogBehind) return waiting;
    }
    return tasks;
  };

  const behind = (releaseId: string, atMs: number, nowMs: number): LogBehind | [] =>
    nowMs - atMs < settings.unknownReleaseMs
      ? new LogBehind({ message: `the log does not say yet what release ${releaseId} is` })
      : [];

  const answer = ({ specification, question }: JudgingTask): Effect.Effect<Answer> =>
    question.asks === "pair"
      ? judge.scorePair(specification, question.pair).pipe(
          Effect.map(({ baseline, candidate, orders }) => ({
            scores: [{ score: baseline }, { score: candidate }],
            ...(orders && { orderChanged: orders.baselineFirst !== orders.candidateFirst }),
          })),
          Effect.catch(({ message }) => Effect.succeed({ scores: [{ error: message }] })),
        )
      : Effect.map(
          Effect.forEach(question.responses, (response) =>
            judge.score(specification, response).pipe(
              Effect.map((value): Score => ({ score: value })),
              Effect.catch((error) => Effect.succeed<Score>({ error: error.message })),
            ),
          ),
          (scores) => ({ scores }),
        );

  const judgeAll = (tasks: ReadonlyArray<JudgingTask>) =>
    Effect.forEach(
      tasks,
      (task) =>
        Effect.gen(function* () {
          return task.judged(yield* answer(task), timestampOf(yield* Clock.currentTimeMillis));
        }),
      { concurrency: settings.concurrency },
    );

  return Effect.fnUntraced(function* (batch: ReadonlyArray<Received<ObservationEvent>>) {
    const nowMs = yield* Clock.currentTimeMillis;
    const tasks: Array<JudgingTask> = [];
    // All of the batch is looked through before anything is asked: it comes again as a whole, and a judge costs money.
    for (const { event } of batch) {
      const found = tasksOf(event, nowMs);
      if (found instanceof LogBehind) return yield* found;
      tasks.push(...found);
    }
    for (const chunk of Arr.chunksOf(tasks, settings.batchSize))
      yield* bus.publish(judgementsTopic, yield* judgeAll(chunk));
  });
});
