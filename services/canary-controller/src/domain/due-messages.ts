import type { ApplicationName, ReleaseId, ReleasePhase, Timestamp } from "@sluice/contracts";
import { type ApplicationState, endOf, type Notice, type Page } from "@sluice/release";

export type Step = "trigger" | "resolve" | "notice";

/** One message that the log says is due. */
export interface DueMessage {
  readonly application: ApplicationName;
  readonly releaseId: ReleaseId;
  readonly dedupKey: string;
  readonly step: Step;
  readonly severity: "critical" | "warning" | "info";
  readonly summary: string;
  /** When what it tells happened; the order of messages is the order of these. */
  readonly at: Timestamp;
  /** The channel that took the page. */
  readonly through: string | null;
  /** Something became known after the page went out: whoever was paged is told before it is over. */
  readonly hasNews: boolean;
  /** That no channel took it is on the log. */
  readonly isKnownUndelivered: boolean;
  readonly phase: ReleasePhase | null;
}

/** What is due of an application, in the order in which it happened. */
export const dueMessages = (state: ApplicationState) => ({
  pages: state.pages
    .filter((page) => !page.sentAt || page.resolvable)
    .map((page) => dueOfPage(state, page))
    .sort(byInstant),
  notices: state.notices.map((notice) => dueOfNotice(state, notice)).sort(byInstant),
});

const byInstant = (a: DueMessage, b: DueMessage): number => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0);

const dueOfPage = (state: ApplicationState, page: Page): DueMessage => {
  const { application } = state;
  const { releaseId, dedupKey, severity, sentAt, channel, undelivered } = page;
  const endedAt = endOf(state, releaseId)?.at ?? page.at;
  return {
    application,
    releaseId,
    dedupKey,
    severity,
    step: sentAt ? "resolve" : "trigger",
    summary: `${application}, release ${releaseId}: ${page.sentence}${unacknowledgedText(page)}`,
    at: sentAt ? endedAt : page.at,
    through: channel,
    hasNews: sentAt !== null && sentAt < endedAt && page.unacknowledged.length > 0,
    isKnownUndelivered: undelivered !== null,
    phase: null,
  };
};

const dueOfNotice = (
  { application }: ApplicationState,
  { releaseId, dedupKey, sentence, phase, at, undelivered }: Notice,
): DueMessage => ({
  application,
  releaseId,
  dedupKey,
  severity: "info",
  step: "notice",
  summary: `${application}, release ${releaseId} ${phase}: ${sentence}`,
  at,
  through: null,
  hasNews: false,
  isKnownUndelivered: undelivered !== null,
  phase,
});

const NAMED = 10;

const unacknowledgedText = ({ unacknowledged }: Page): string =>
  unacknowledged.length === 0
    ? ""
    : ` Rolled back without the acknowledgement of ${unacknowledged.slice(0, NAMED).join(", ")}${unacknowledged.length > NAMED ? ` and ${unacknowledged.length - NAMED} more` : ""}: look there, they may serve the candidate until they hear of the rollback or have been unwatched for too long.`;

/** As the pager takes it. */
export const messageOf = (
  { dedupKey, severity, summary, application, releaseId, at, phase }: DueMessage,
  action: "trigger" | "update" | "resolve" | "notice",
) => ({ dedupKey, action, severity, summary, application, releaseId, at, ...(phase !== null && { phase }) });
