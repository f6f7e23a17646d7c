import type { Digest, GateReport, ReleaseEvent, ReleaseEventOf } from "@sluice/contracts";
import type { StoredEvent } from "@sluice/event-store";

// The registry's statements about a release in the form of in-toto, so that policy engines that know no Sluice can use them.

export const IN_TOTO_PAYLOAD = "application/vnd.in-toto+json";
export const TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1";
export const VERIFICATION_RESULT = "https://in-toto.io/attestation/svr/v0.2";

export interface Statement {
  readonly _type: "https://in-toto.io/Statement/v1";
  readonly subject: ReadonlyArray<ResourceDescriptor>;
  readonly predicateType: typeof TEST_RESULT | typeof VERIFICATION_RESULT;
  readonly predicate: Readonly<Record<string, unknown>> & { readonly sluice_record: RecordReference };
}

/** Which row a statement rests on; beside the fields of the predicate, which others may ignore. */
export interface RecordReference {
  readonly application: string;
  readonly releaseId: string;
  readonly event: string;
  readonly position: number;
  /** Hash of the row's leaf. */
  readonly leaf: string;
}

interface ResourceDescriptor {
  readonly name: string;
  readonly digest: { readonly sha256: string };
}

const attested = [
  "OfflineGatePassed",
  "OfflineGateBlocked",
  "OfflineGateInconclusive",
  "OfflineGateInvalid",
  "ShadowPassed",
  "ShadowRegressed",
  "ShadowInconclusive",
  "CanaryStepPassed",
  "CanaryBreached",
  "ReleaseCompleted",
  "ReleaseRolledBack",
  "ReleaseAborted",
] as const satisfies ReadonlyArray<ReleaseEvent["_tag"]>;
type Attested = ReleaseEventOf<(typeof attested)[number]>;

/** Whether a row of this type, once accepted, has a statement. */
export const isAttested = (type: string): boolean => (attested as ReadonlyArray<string>).includes(type);

const isAttestedEvent = (event: ReleaseEvent): event is Attested => isAttested(event._tag);

const resource = (name: string, digest: Digest): ResourceDescriptor => ({
  name,
  digest: { sha256: digest.slice("sha256:".length) },
});

/** The statement that follows from an accepted row; null where the event is no result. `policy`: of the decisions before. */
export const statementOf = (
  row: StoredEvent,
  event: ReleaseEvent,
  { candidate, policy }: { readonly candidate: Digest; readonly policy: Digest | null },
): Statement | null => {
  if (!isAttestedEvent(event)) return null;
  const sluice_record: RecordReference = {
    application: event.application,
    releaseId: event.releaseId,
    event: event._tag,
    position: row.position,
    leaf: row.hash,
  };
  const head = {
    _type: "https://in-toto.io/Statement/v1",
    subject: [resource(`${event.application} candidate bundle`, candidate)],
  } as const;
  if ("report" in event) {
    const predicate = { ...testResult(event.report, event.policyDigest), sluice_record };
    return { ...head, predicateType: TEST_RESULT, predicate };
  }
  const followed = "policyDigest" in event ? event.policyDigest : policy;
  const predicate = {
    verifier: {
      id: `urn:sluice:${verifierOf(event)}:v1`,
      policies: followed === null ? [] : [resource("policy", followed)],
    },
    timeCreated: event.at,
    properties: propertiesOf(event),
    sluice_record,
  };
  return { ...head, predicateType: VERIFICATION_RESULT, predicate };
};

/** Rules by name; a slice's rule by its slice. What is inconclusive or invalid has not passed, and names no failed test. */
const testResult = (report: GateReport, policy: Digest) => {
  const nameOf = ({ rule, slice }: GateReport["reasons"][number]) => (slice === undefined ? rule : `${rule}: ${slice}`);
  const failed = new Set(report.reasons.filter(({ enforced }) => enforced).map(nameOf));
  const warned = new Set(report.reasons.filter(({ enforced }) => !enforced).map(nameOf));
  const measured = [
    ...(report.safety.cases > 0 ? ["safety"] : []),
    ...(report.headline ? ["headline"] : []),
    ...report.slices.map(({ slice }) => `slice: ${slice}`),
  ];
  const { evidence } = report;
  return {
    result: report.verdict === "passed" ? (warned.size > 0 ? "WARNED" : "PASSED") : "FAILED",
    configuration: [
      resource("policy", policy),
      ...(evidence
        ? [
            resource("eval set", evidence.evalSet),
            resource("baseline bundle", evidence.baseline.bundle),
            resource("baseline results", evidence.baseline.results),
            resource("candidate results", evidence.candidate.results),
          ]
        : []),
    ],
    passedTests: measured.filter((name) => !failed.has(name) && !warned.has(name)),
    warnedTests: [...warned],
    failedTests: [...failed],
  };
};

type Verified = Exclude<Attested, { readonly report: unknown }>;

const verifierOf = (event: Verified): string => {
  if (event._tag.startsWith("Shadow")) return "shadow-judge";
  return event._tag.startsWith("Canary") ? "canary-controller" : "registry";
};

/** Only what was verified to hold: a result against the candidate has none, and is told by its event. */
const propertiesOf = (event: Verified): ReadonlyArray<string> => {
  switch (event._tag) {
    case "ShadowPassed":
      return ["SLUICE_SHADOW_PASSED"];
    case "CanaryStepPassed":
      return [
        `SLUICE_CANARY_STEP_${event.step + 1}_PASSED`,
        ...event.evidence.checks
          .filter(({ verdict }) => verdict === "passed")
          .map(({ check }) => `SLUICE_CANARY_${check.replaceAll(/(?=[A-Z])/gu, "_").toUpperCase()}_PASSED`),
      ];
    case "ReleaseCompleted":
      return ["SLUICE_RELEASE_COMPLETED"];
    default:
      return [];
  }
};

export interface NamedArtifact {
  readonly role: string;
  readonly digest: Digest;
}

/** What an event names by address. */
export const artifactsOf = (event: ReleaseEvent): ReadonlyArray<NamedArtifact> => {
  switch (event._tag) {
    case "ReleaseRequested": {
      const { candidate, evidence, policy } = event;
      const probes = policy.canary.safetyProbes?.set;
      return [
        { role: "candidate bundle", digest: candidate.digest },
        ...Object.entries(candidate.artifacts).map(([part, digest]) => ({ role: `candidate ${part}`, digest })),
        ...(evidence
          ? [
              { role: "eval set", digest: evidence.evalSet },
              { role: "baseline results", digest: evidence.baseline.results },
              { role: "candidate results", digest: evidence.candidate.results },
            ]
          : []),
        ...(probes ? [{ role: "safety probes", digest: probes }] : []),
      ];
    }
    case "ApplicationRegistered":
      return Object.entries(event.baseline.artifacts).map(([part, digest]) => ({ role: `baseline ${part}`, digest }));
    case "ShadowPassed":
    case "ShadowRegressed":
    case "ShadowInconclusive":
      return [{ role: "shadow inputs", digest: event.evidence.inputs }];
    default:
      return [];
  }
};
