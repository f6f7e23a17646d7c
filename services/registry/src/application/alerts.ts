import { type AlertmanagerBody, type AlertsBody, type Author, epochMsOf, timestampOf } from "@sluice/contracts";
import { ReleaseLog } from "@sluice/release-log";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import type { Intention } from "./requests.ts";

type Alert = (typeof AlertmanagerBody.Type)["alerts"][number];
type Outcome = (typeof AlertsBody.Type)["alerts"][number];

/**
 * What somebody else's monitoring sees counts like a check of our own: a firing alert breaches the canary of the
 * application that its labels name. Alerts of anything else are ignored, each with its reason, and are no failure:
 * Alertmanager would send all of them again.
 */
export const receiveAlerts = Effect.fn("receiveAlerts")(function* (
  { alerts }: typeof AlertmanagerBody.Type,
  { author }: Intention,
) {
  return { alerts: yield* Effect.forEach(alerts, (alert) => receive(alert, author)) };
});

const receive = Effect.fnUntraced(function* (alert: Alert, author: Author) {
  const log = yield* ReleaseLog;
  const answer = (outcome: Outcome["outcome"], sentence: string): Outcome => ({
    fingerprint: alert.fingerprint,
    outcome,
    sentence,
  });
  if (alert.status === "resolved") return answer("ignored", "it is over; a breach is not taken back");
  const { application, release: named } = alert.labels;
  if (!application) return answer("ignored", "its labels name no application; give it the label 'application'");
  const active = log.applications().get(application)?.active;
  if (!active) return answer("ignored", `application ${application} has no active release`);
  if (named && named !== active.releaseId)
    return answer("ignored", `release ${named} is not active in ${application}, ${active.releaseId} is`);
  if (active.phase !== "canary")
    return answer("ignored", `no user is on release ${active.releaseId}: it is in ${active.phase}`);
  const nowMs = yield* Clock.currentTimeMillis;
  return yield* Effect.matchEffect(
    log.submit({
      _tag: "BreachCanary",
      application,
      releaseId: active.releaseId,
      at: timestampOf(nowMs),
      cause: "external",
      sentence: sentenceOf(alert, author),
      since: sinceOf(alert, active.since, nowMs),
      evidence: null,
      reportedBy: author,
    }),
    {
      onSuccess: () => Effect.succeed(answer("breached", `release ${active.releaseId} is pinned to the baseline`)),
      onFailure: (failure) =>
        failure._tag === "Refusal" ? Effect.succeed(answer("ignored", failure.sentence)) : Effect.fail(failure),
    },
  );
});

const MAX_SENTENCE = 2_000;

const sentenceOf = ({ labels, annotations }: Alert, author: Author): string => {
  const said = annotations.summary ?? annotations.description ?? annotations.message;
  const sentence = `Alert ${labels.alertname ?? "without a name"}, reported by ${author.id}${said ? `: ${said}` : ""}`;
  return sentence.slice(0, MAX_SENTENCE);
};

/** When the alert began, but not before the step that it blames, and not in the future: clocks differ. */
const sinceOf = ({ startsAt }: Alert, stepSince: string, nowMs: number): string => {
  const began = Date.parse(startsAt);
  const beganMs = Number.isNaN(began) ? nowMs : began;
  return timestampOf(Math.min(nowMs, Math.max(beganMs, epochMsOf(stepSince))));
};
