import { useSignal } from "@preact/signals";
import type { ReleasePhase, ReleaseState } from "@sluice/contracts";
import { percent } from "../../domain/words.ts";
import { ActionDialog } from "../../parts/action-dialog.tsx";
import { askAsMe, may } from "../../registry/session.ts";

interface Props {
  readonly application: string;
  readonly releaseId: string;
  readonly phase: ReleasePhase;
  /** Null once the release is not the active one. */
  readonly active: ReleaseState["active"];
  /** People whom the policy asks for to override the gate. */
  readonly approvals: number;
  readonly onDone: () => void;
}

type Verb = "abort" | "pause" | "resume" | "advance" | "override";

const overridable: ReadonlyArray<ReleasePhase> = ["blocked", "inconclusive"];

/** What this person may do and what is legal now; a button that would be refused is not there. */
const possible = ({ phase, active }: Props): ReadonlyArray<Verb> => {
  const operate: ReadonlyArray<Verb | false> =
    active === null
      ? [phase === "queued" && "abort"]
      : [
          phase !== "breached" && "abort",
          phase !== "breached" && !active.paused && "pause",
          active.paused && "resume",
          phase === "canary" && !active.paused && "advance",
        ];
  return [
    ...(may("operate") ? operate.filter((verb) => verb !== false) : []),
    ...(may("override") && overridable.includes(phase) ? (["override"] as const) : []),
  ];
};

const labels: { readonly [V in Verb]: string } = {
  abort: "Abort",
  pause: "Pause",
  resume: "Resume",
  advance: "Skip the hold",
  override: "Override the gate",
};

export const Actions = (props: Props) => {
  const chosen = useSignal<Verb | null>(null);
  const verbs = possible(props);
  if (verbs.length === 0 && chosen.value === null) return null;
  return (
    <>
      <section class="buttons actions" aria-label="Actions">
        {verbs.map((verb) => (
          <button
            key={verb}
            type="button"
            class={verb === "abort" ? "danger" : undefined}
            onClick={() => {
              chosen.value = verb;
            }}
          >
            {labels[verb]}…
          </button>
        ))}
      </section>
      {chosen.value !== null && (
        <Ask
          {...props}
          verb={chosen.value}
          close={() => {
            chosen.value = null;
          }}
        />
      )}
    </>
  );
};

const Ask = ({
  verb,
  application,
  releaseId,
  active,
  approvals,
  close,
  onDone,
}: Props & { readonly verb: Verb; readonly close: () => void }) => {
  return (
    <ActionDialog
      title={`${labels[verb]}: ${application}`}
      confirm={labels[verb]}
      effect={effectOf(verb, application, active, approvals)}
      dangerous={verb === "abort" || verb === "override"}
      fields={
        verb === "override" ? (
          <>
            <label for="incident">
              Incident <span class="muted">(a link or a number, if there is one)</span>
            </label>
            <input id="incident" name="incident" maxLength={2_000} autocomplete="off" />
            <label for="expires">
              Ends at <span class="muted">(your time; empty: as the policy has it)</span>
            </label>
            <input id="expires" name="expires" type="datetime-local" />
          </>
        ) : undefined
      }
      act={async ({ reason, fields, key }) => {
        const target = { path: { releaseId }, query: { application }, headers: { "idempotency-key": key } };
        const incident = String(fields.get("incident") ?? "").trim();
        if (verb === "override")
          await askAsMe("overrideGate", {
            ...target,
            body: { reason, incident: incident || null, expiresAt: instantOf(fields.get("expires")) },
          });
        else await askAsMe(`${verb}Release`, { ...target, body: { reason } });
        onDone();
      }}
      close={close}
    />
  );
};

/** What a date field says in the viewer's time, as an instant; null when it is empty. */
const instantOf = (field: FormDataEntryValue | null): string | null => {
  const text = String(field ?? "");
  return text === "" ? null : new Date(text).toISOString();
};

const effectOf = (verb: Verb, application: string, active: Props["active"], approvals: number): string => {
  const share = active ? percent(active.share) : "0 %";
  switch (verb) {
    case "abort":
      return active && active.share > 0
        ? `The ${share} of ${application}’s users who are on the candidate go back to the baseline now, and the release ends. It cannot be taken up again.`
        : `The release ends now. Users of ${application} are on the baseline and stay there. It cannot be taken up again.`;
    case "pause":
      return `The release stays at ${share} of users until somebody resumes it. Its checks go on, and a breach still rolls it back.`;
    case "resume":
      return `The release goes on from where it was paused, at ${share} of users.`;
    case "advance":
      return `The rest of this step’s minimum time is skipped, so the release may leave ${share} as soon as its checks and counts allow it. The checks are not skipped.`;
    case "override":
      return `The release goes on to the shadow although the offline gate did not let it pass. The override is counted for its team, with your name.${approvals > 1 ? " This policy asks for two people: the first proposes it, and it is done once a second one has confirmed." : ""}`;
  }
};
