import { type ApplicationName, type Bundle, defaultPolicy, referenceOf, type Timestamp } from "@sluice/contracts";
import { invalidGateReport } from "@sluice/evals";
import { ReleaseLog } from "@sluice/release-log";
import * as Effect from "effect/Effect";

const bundle = (text: string): Bundle => ({
  prompt: { kind: "prompt", messages: [{ role: "system", content: text }] },
  model: { kind: "model", provider: "main", model: "m-1", parameters: {} },
});

/** An application with a release that the gate has found invalid and an approver has overridden, until `expiresAt`. */
export const blockedRelease = Effect.fn("blockedRelease")(function* (
  application: ApplicationName,
  { at, expiresAt }: { readonly at: Timestamp; readonly expiresAt: Timestamp },
) {
  const log = yield* ReleaseLog;
  const releaseId = "rel-1";
  const one = { application, releaseId, at };
  yield* log.submit({
    _tag: "RegisterApplication",
    application,
    at,
    baseline: referenceOf(bundle("old")),
    author: { id: "ada", role: "admin" },
  });
  yield* log.submit({
    ...one,
    _tag: "RequestRelease",
    candidate: referenceOf(bundle("new")),
    policy: defaultPolicy,
    evidence: null,
    author: { id: "ci", role: "ci" },
    team: "support",
    description: "",
    commit: null,
    link: null,
    mergedAt: null,
  });
  yield* log.submit({ ...one, _tag: "RecordGateReport", report: invalidGateReport("evidence", "No evidence.", null) });
  yield* log.submit({
    ...one,
    _tag: "OverrideGate",
    author: { id: "ben", role: "approver" },
    reason: "known to be right",
    commandId: "c-1",
    incident: null,
    expiresAt,
  });
});
