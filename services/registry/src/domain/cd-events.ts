import type { CdEvent, ReleaseEvent } from "@sluice/contracts";

const SOURCE = "/sluice";

/** The bundle as a package URL: CDEvents names artifacts so. */
const purlOf = (application: string, digest: string): string =>
  `pkg:generic/${application}@${encodeURIComponent(digest)}`;

interface Told {
  readonly subject: "service" | "testsuiterun" | "incident" | "change";
  readonly predicate: string;
  readonly id: string;
  readonly content: CdEvent["subject"]["content"];
}

const production = { environment: { id: "production" } } as const;

/** What an accepted event is in CDEvents' words; nothing where CDEvents has no word for it. */
export const cdEventsOf = (event: ReleaseEvent): ReadonlyArray<CdEvent> =>
  told(event).map(({ subject, predicate, id, content }) => ({
    context: {
      specversion: "0.4.1",
      id: `${event.eventId}/${subject}.${predicate}`,
      source: SOURCE,
      type: `dev.cdevents.${subject}.${predicate}.0.2.0`,
      timestamp: event.at,
      ...("releaseId" in event && { chainId: `${event.application}/${event.releaseId}` }),
    },
    subject: { id, source: SOURCE, type: subject, content },
  }));

const told = (event: ReleaseEvent): ReadonlyArray<Told> => {
  const { application } = event;
  const served = (predicate: string, digest: string): Told => ({
    subject: "service",
    predicate,
    id: application,
    content: { ...production, artifactId: purlOf(application, digest) },
  });
  const suite = (name: string, outcome: "pass" | "fail" | "cancel" | "error", reason: string): Told => ({
    subject: "testsuiterun",
    predicate: "finished",
    id: "releaseId" in event ? `${application}/${event.releaseId}/${name}` : application,
    content: { ...production, testSuite: { id: name }, outcome, reason },
  });
  const incident = (predicate: "detected" | "resolved", releaseId: string, description: string): Told => ({
    subject: "incident",
    predicate,
    id: `${application}/${releaseId}`,
    content: { ...production, description, service: { id: application } },
  });
  const reasons = (report: { readonly reasons: ReadonlyArray<{ readonly sentence: string }> }) =>
    report.reasons.map(({ sentence }) => sentence).join(" ");
  switch (event._tag) {
    case "ReleaseRequested":
      return event.commit === null
        ? []
        : [
            {
              subject: "change",
              predicate: "merged",
              id: event.commit,
              content: { repository: { id: event.link ?? application } },
            },
          ];
    case "OfflineGatePassed":
      return [suite("offline-gate", "pass", reasons(event.report))];
    case "OfflineGateBlocked":
      return [suite("offline-gate", "fail", reasons(event.report))];
    case "OfflineGateInconclusive":
      return [suite("offline-gate", "cancel", reasons(event.report))];
    case "OfflineGateInvalid":
      return [suite("offline-gate", "error", reasons(event.report))];
    case "ShadowPassed":
      return [suite("shadow", "pass", event.evidence.sentence)];
    case "ShadowRegressed":
      return [suite("shadow", "fail", event.evidence.sentence)];
    case "ShadowInconclusive":
      return [suite("shadow", "cancel", event.evidence.sentence)];
    case "CanaryBreached":
      return [incident("detected", event.releaseId, event.sentence)];
    case "ReleaseRolledBack":
      return [served("rolledback", event.to), incident("resolved", event.releaseId, event.sentence)];
    case "ReleaseCompleted":
      return [served("upgraded", event.baseline)];
    case "BaselineRolledBack":
      return [served("rolledback", event.to)];
    default:
      return [];
  }
};
