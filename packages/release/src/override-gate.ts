import { type Author, epochMsOf, type ReleaseEventOf, type Role, type Timestamp, timestampOf } from "@sluice/contracts";
import * as Result from "effect/Result";
import { type ApplicationState, type Override, policyOf, type Release } from "./application-state.ts";
import type { ReleaseCommand } from "./command.ts";
import { endRelease, misplaced } from "./end-release.ts";
import { personOf } from "./person-of.ts";
import { type Refusal, refuse } from "./refusal.ts";

type Applied = Result.Result<ApplicationState, Refusal>;
type Wish = ReleaseEventOf<"OverrideProposed" | "GateOverridden">;

/** Who may override the gate. The registry asks the same; here it holds for whatever writes to the log. */
export const OVERRIDE_ROLES: ReadonlySet<Role> = new Set(["approver", "admin"]);

const hasLapsed = (override: Override, at: Timestamp): boolean =>
  override.expiresAt !== null && override.expiresAt <= at;

/** The proposal that somebody else may still confirm. */
export const openProposal = (release: Release | undefined, at: Timestamp): Override | null =>
  release?.proposal && !hasLapsed(release.proposal, at) ? release.proposal : null;

const earliest = (instants: ReadonlyArray<Timestamp | null | undefined>): Timestamp | null =>
  instants.filter((instant) => typeof instant === "string").toSorted()[0] ?? null;

/** What an approver's wish leads to: the override, or a proposal where the policy asks for two people. */
export const overrideOf = (
  release: Release | undefined,
  { author, reason, incident, expiresAt, at }: Extract<ReleaseCommand, { _tag: "OverrideGate" }>,
) => {
  const rules = release && policyOf(release).override;
  const latest = rules?.maxDurationSeconds ? timestampOf(epochMsOf(at) + rules.maxDurationSeconds * 1_000) : null;
  const proposal = openProposal(release, at);
  // Confirming is to want the same: a second person may shorten it, and need not repeat the incident.
  const confirmed = proposal && !isSamePerson(proposal.author, author) ? proposal : null;
  const ends = earliest([expiresAt, confirmed?.expiresAt, latest]);
  const terms = {
    author,
    reason,
    incident: incident ?? confirmed?.incident ?? null,
    ...(ends !== null && { expiresAt: ends }),
  };
  if (rules?.approvals === 2 && !confirmed) return { tag: "OverrideProposed", terms } as const;
  return { tag: "GateOverridden", terms: { ...terms, ...(confirmed && { proposedBy: confirmed.author }) } } as const;
};

/** An override, or the proposal of one, meets a release that the gate has blocked. */
export const overrideGate = (state: ApplicationState, event: Wish): Applied => {
  const release = state.blocked.find((blocked) => blocked.releaseId === event.releaseId);
  if (!release) return misplaced(state, event.releaseId, "blocked");
  return Result.flatMap(Result.andThen(checkTerms(release, event), checkApprovals(release, event)), () => {
    const seen = [...release.seen, event.eventId];
    const { author, reason, incident, expiresAt = null } = event;
    const override = { author, reason, incident, expiresAt };
    if (event._tag === "OverrideProposed") {
      const proposed = { ...release, seen, proposal: { ...override, proposedBy: null } };
      return Result.succeed({ ...state, blocked: state.blocked.map((one) => (one === release ? proposed : one)) });
    }
    if (state.active)
      return refuse("another-release-active", `release ${state.active.releaseId} is active; it must end first`);
    const active: Release = {
      ...release,
      seen,
      phase: "gate-passed",
      since: event.at,
      override: { ...override, proposedBy: event.proposedBy ?? null },
      proposal: null,
    };
    return Result.succeed({ ...state, active, blocked: state.blocked.filter((one) => one !== release) });
  });
};

const isSamePerson = (one: Author, other: Author): boolean => personOf(one.id) === personOf(other.id);

const checkTerms = (release: Release, { author, incident, expiresAt, at }: Wish): Result.Result<void, Refusal> => {
  const { incidentRequired, maxDurationSeconds } = policyOf(release).override;
  if (!OVERRIDE_ROLES.has(author.role))
    return refuse(
      "wrong-role",
      `${author.id} has role ${author.role}; an override of the gate needs ${[...OVERRIDE_ROLES].join(" or ")}`,
    );
  if (isSamePerson(author, release.request.author))
    return refuse(
      "separation-of-duty",
      `${author.id} asked for release ${release.releaseId} (as ${release.request.author.id}); somebody else has to override the gate`,
    );
  if (incidentRequired && incident === null)
    return refuse("incident-required", "the policy wants the incident that makes an override necessary; give its link");
  if (expiresAt !== undefined && expiresAt <= at)
    return refuse("override-expired", `expiresAt is ${expiresAt}, which is over at ${at}; give an instant to come`);
  if (maxDurationSeconds !== null && !(epochMsOf(expiresAt ?? "") <= epochMsOf(at) + maxDurationSeconds * 1_000))
    return refuse(
      "override-expired",
      `expiresAt is ${expiresAt ?? "not given"}; by policy an override lasts ${maxDurationSeconds} s at most`,
    );
  return Result.void;
};

const checkApprovals = (release: Release, event: Wish): Result.Result<void, Refusal> => {
  const needsTwo = policyOf(release).override.approvals === 2;
  const proposal = openProposal(release, event.at);
  if (event._tag === "OverrideProposed") {
    if (!needsTwo) return refuse("second-approver", "the policy asks for one person; nothing has to be proposed");
    return proposal
      ? refuse("second-approver", `${proposal.author.id} has proposed it at present; somebody else has to confirm`)
      : Result.void;
  }
  if (!needsTwo || (proposal && !isSamePerson(proposal.author, event.author))) return Result.void;
  return refuse("second-approver", `the policy asks for two people; ${event.author.id} alone cannot override the gate`);
};

/** The end of an active release's override; null where it has none that ends, or is being rolled back already. */
export const overrideEndsAt = (release: Release): Timestamp | null =>
  release.phase === "breached" ? null : (release.override?.expiresAt ?? null);

/** The gate's answer holds again: the release ends as what it was, blocked, and its traffic with it. */
export const expireOverride = (
  state: ApplicationState,
  release: Release,
  event: ReleaseEventOf<"OverrideExpired">,
): Applied => {
  const endsAt = overrideEndsAt(release);
  if (endsAt === null || event.at < endsAt)
    return refuse(
      "wrong-phase",
      `the override of release ${release.releaseId} ${endsAt ? `lasts until ${endsAt}` : "has no end that could come"}`,
    );
  return Result.succeed(endRelease(state, release, "blocked", event));
};
