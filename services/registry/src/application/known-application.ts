import type { ApplicationName } from "@sluice/contracts";
import { ReleaseLog } from "@sluice/release-log";
import * as Effect from "effect/Effect";
import { NotFound } from "./requests.ts";

/** State of the application. One that nobody has registered is a slip of the hand, and no application without anything. */
export const knownApplication = Effect.fnUntraced(function* (application: ApplicationName) {
  const state = (yield* ReleaseLog).applications().get(application);
  if (state?.baseline) return state;
  return yield* new NotFound({ message: `application ${application} is not known; register it first` });
});
