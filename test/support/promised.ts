import { clusterKeyOf, isWithinShare } from "@sluice/assignment";
import { type Observation, observationsTopic, type ReleaseEvent } from "@sluice/contracts";
import { EventBus } from "@sluice/event-bus";
import { layerKafka } from "@sluice/event-bus/kafka-event-bus";
import type { UsersTally } from "@sluice/simulator";
import * as Effect from "effect/Effect";
import { expect } from "vitest";
import type { DistributedStack } from "./distributed-stack.ts";
import { type PlayedApplication, type Recorded, shares, USERS_SEED } from "./played-release.ts";
import { until } from "./registry.ts";

/** What must be the same whatever fails meanwhile. */
export interface Outcome {
  readonly phase: string;
  /** Accepted events in log order, without those that only say how long something took. */
  readonly events: ReadonlyArray<string>;
  /** What people were told; each message goes its own way, and may be taken before or after another. */
  readonly messages: ReadonlyArray<string>;
  readonly baseline: string;
  readonly isActive: boolean;
  readonly pages: number;
  readonly auditFaults: ReadonlyArray<unknown>;
}

/** A hold is time: a step waits while its evidence cannot be seen, and goes on. */
const isTime = ({ _tag }: ReleaseEvent) => _tag === "CanaryHeld" || _tag === "CanaryHoldEnded";

const isMessage = ({ _tag }: ReleaseEvent) => ["PageSent", "PageResolved", "NoticeSent"].includes(_tag);

const nameOf = ({ event }: Recorded): string => ("step" in event ? `${event._tag} ${event.step}` : event._tag);

export const outcomeOf = async (stack: DistributedStack, played: PlayedApplication): Promise<Outcome> => {
  const { release, events } = await played.detail();
  const state = (await stack.registry.call("GET", `/v1/applications/${played.name}`)) as {
    readonly baseline: { readonly digest: string };
    readonly active: unknown;
  };
  const { faults } = (await stack.registry.call("GET", "/v1/audit/verify")) as { readonly faults: Array<unknown> };
  const triggered = (stack.webhook.received as ReadonlyArray<Page>).filter(
    (page) => page.action === "trigger" && page.releaseId === played.releaseId,
  );
  const told = events.filter(({ event, accepted }) => accepted && !isTime(event));
  return {
    phase: release.phase,
    events: told.filter(({ event }) => !isMessage(event)).map(nameOf),
    messages: told
      .filter(({ event }) => isMessage(event))
      .map(nameOf)
      .sort(),
    baseline: state.baseline.digest,
    isActive: state.active !== null,
    // A page may be sent again after a crash; the receiver knows it by its key and sees one.
    pages: new Set(triggered.map((page) => page.dedupKey)).size,
    auditFaults: faults,
  };
};

interface Page {
  readonly action: string;
  readonly releaseId: string;
  readonly dedupKey: string;
}

/** Every observation of an application that the bus acknowledged. */
const publishedObservations = (stack: DistributedStack, application: string): Promise<ReadonlyArray<Observation>> =>
  Effect.runPromise(
    Effect.gen(function* () {
      const found = new Map<string, Observation>();
      const bus = yield* EventBus;
      yield* bus.follow(observationsTopic, (batch) =>
        Effect.sync(() => {
          for (const { event } of batch)
            if (event._tag === "ObservationsRecorded" && event.application === application)
              for (const observation of event.observations) found.set(observation.observationId, observation);
        }),
      );
      return [...found.values()];
    }).pipe(Effect.scoped, Effect.provide(layerKafka({ brokers: stack.broker.brokers }))),
  );

const storedIds = async (stack: DistributedStack, application: string): Promise<ReadonlySet<string>> => {
  const query = `SELECT observation_id FROM observations FINAL WHERE application = '${application}' FORMAT TSV`;
  const response = await fetch(stack.clickhouseUrl, { method: "POST", body: query });
  return new Set((await response.text()).split("\n").filter((id) => id !== ""));
};

/** What was acknowledged is in ClickHouse; where no gateway died, that is every request that a user was answered. */
export const expectNothingLost = async (
  stack: DistributedStack,
  played: PlayedApplication,
  users: UsersTally,
  { gatewayDied }: { readonly gatewayDied: boolean },
): Promise<ReadonlyArray<Observation>> => {
  const answered = (users.byArm.baseline ?? 0) + (users.byArm.candidate ?? 0);
  const published = await until(
    () => publishedObservations(stack, played.name),
    (found) => gatewayDied || found.filter(({ role }) => role === "user").length >= answered,
    500,
  );
  const stored = await until(
    () => storedIds(stack, played.name),
    (ids) => published.every(({ observationId }) => ids.has(observationId)),
    200,
  );
  expect(stored.size).toBeGreaterThanOrEqual(published.length);
  return published;
};

/** Observations carry the hash of a conversation; assignment is by its name. */
const conversationsOf = (application: string): ReadonlyMap<string, string> =>
  new Map(
    Array.from({ length: 20_000 }, (_, number) => {
      const key = `${application}-${USERS_SEED}-${number}`;
      return [clusterKeyOf({ kind: "conversation", key }), key];
    }),
  );

/** At any time only those users meet the candidate whom the highest step so far lets in, and after the pin none does. */
export const expectNeverAboveItsStep = async (
  played: PlayedApplication,
  observations: ReadonlyArray<Observation>,
): Promise<void> => {
  const { events } = await played.detail();
  const conversations = conversationsOf(played.name);
  const accepted = events.filter((recorded) => recorded.accepted).map(({ event }) => event);
  const above = observations.filter(({ role, arm, releaseId, clusterKey, startedAt }) => {
    if (role !== "user" || arm !== "candidate" || releaseId === null) return false;
    const share = accepted.reduce(
      (highest, event) =>
        event._tag === "CanaryStepStarted" && event.at <= startedAt
          ? Math.max(highest, shares[event.step] ?? 0)
          : highest,
      0,
    );
    return !isWithinShare(share, releaseId, conversations.get(clusterKey) ?? "");
  });
  expect(above).toEqual([]);
  const confirmed = accepted.find((event) => event._tag === "MitigationConfirmed");
  if (confirmed)
    expect(
      observations.filter(({ role, arm, startedAt }) => {
        return role === "user" && arm === "candidate" && startedAt > confirmed.at;
      }),
    ).toEqual([]);
};

/** Nothing but an arm's model ever failed a user. */
export const expectNoUserFailed = (users: UsersTally): void => {
  expect({ none: users.failedByArm.none ?? 0, baseline: users.failedByArm.baseline ?? 0 }).toEqual({
    none: 0,
    baseline: 0,
  });
};
