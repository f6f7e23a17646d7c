import { ApplicationName } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import type { ReleaseStates } from "../../application/release-states.ts";
import { NotFound } from "../../application/requests.ts";
import { type Handler, parameter, query } from "./answer.ts";
import { etagOf, hasAlready, tagged } from "./etag.ts";
import { HttpFailure } from "./http-failure.ts";

/** Proxies give up on a silent request after a minute. */
const MAX_WAIT_SECONDS = 55;

export const stateHandlers = (states: ReleaseStates, maxWaiting: number) => {
  let waiting = 0;
  return {
    listApplications: (request) => Effect.sync(() => tagged(request, JSON.stringify({ applications: states.all() }))),
    getApplication: (request) =>
      Effect.gen(function* () {
        const application = parameter(request, "application", ApplicationName);
        const waitMs = secondsOf(query(request, "wait")) * 1_000;
        const read = () => {
          const state = states.of(application);
          return state && JSON.stringify(state);
        };
        const known = read();
        if (known === undefined)
          return yield* new NotFound({ message: `application ${application} is not known; register it first` });
        if (waitMs === 0 || !hasAlready(request, etagOf(known))) return tagged(request, known);
        if (waiting >= maxWaiting)
          throw new HttpFailure(503, "too-many-streams", `${maxWaiting} requests wait for a change; close some`);
        waiting += 1;
        const another = () => {
          const now = read();
          return now !== undefined && !hasAlready(request, etagOf(now)) ? now : undefined;
        };
        yield* Effect.ensuring(
          states.awaited(another, waitMs),
          Effect.sync(() => {
            waiting -= 1;
          }),
        );
        return tagged(request, read() ?? known);
      }),
  } satisfies Record<string, Handler>;
};

const secondsOf = (wait: string | undefined): number => {
  const seconds = Number(wait ?? 0);
  if (wait !== "" && Number.isFinite(seconds) && seconds >= 0 && seconds <= MAX_WAIT_SECONDS) return seconds;
  throw new HttpFailure(400, "bad-request", `query wait is ${wait}; give 0 to ${MAX_WAIT_SECONDS} seconds`);
};
