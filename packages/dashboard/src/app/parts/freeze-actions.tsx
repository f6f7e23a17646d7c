import { useSignal } from "@preact/signals";
import type { ReleaseState } from "@sluice/contracts";
import { askAsMe, may } from "../registry/session.ts";
import { ActionDialog } from "./action-dialog.tsx";

type Verb = "freeze" | "unfreeze" | "stop";

const labels: { readonly [V in Verb]: string } = {
  freeze: "Freeze",
  unfreeze: "Lift the freeze",
  stop: "Emergency stop",
};

interface Props {
  /** Null: of all applications. */
  readonly application: string | null;
  readonly freezes: NonNullable<ReleaseState["freezes"]>;
}

/** Stopping what goes forward: of one application, or of all. Absent without the role. */
export const FreezeActions = ({ application, freezes }: Props) => {
  const chosen = useSignal<Verb | null>(null);
  if (!may("operate")) return null;
  const verbs: ReadonlyArray<Verb> = ["stop", "freeze", ...(freezes.length > 0 ? (["unfreeze"] as const) : [])];
  const whose = application ?? "all applications";
  return (
    <section class="buttons" aria-label={`Freezes of ${whose}`}>
      {verbs.map((verb) => (
        <button
          key={verb}
          type="button"
          class={verb === "stop" ? "danger" : undefined}
          onClick={() => {
            chosen.value = verb;
          }}
        >
          {labels[verb]}
          {application === null && " of all"}…
        </button>
      ))}
      {chosen.value !== null && (
        <Ask
          verb={chosen.value}
          application={application}
          close={() => {
            chosen.value = null;
          }}
        />
      )}
    </section>
  );
};

const Ask = ({
  verb,
  application,
  close,
}: {
  readonly verb: Verb;
  readonly application: string | null;
  readonly close: () => void;
}) => (
  <ActionDialog
    title={`${labels[verb]}: ${application ?? "all applications"}`}
    confirm={labels[verb]}
    dangerous={verb === "stop"}
    effect={effectOf(verb, application)}
    fields={
      verb === "freeze" ? (
        <>
          <label for="until">
            Until <span class="muted">(your time; empty: until somebody lifts it)</span>
          </label>
          <input id="until" name="until" type="datetime-local" />
        </>
      ) : undefined
    }
    act={({ reason, fields, key }) => {
      const headers = { "idempotency-key": key };
      const said = String(fields.get("until") ?? "");
      const until = said === "" ? null : new Date(said).toISOString();
      if (application === null) {
        if (verb === "freeze") return askAsMe("freezeAll", { headers, body: { reason, until } });
        return askAsMe(verb === "stop" ? "stopAll" : "unfreezeAll", { headers, body: { reason } });
      }
      const target = { headers, path: { application } };
      if (verb === "freeze") return askAsMe("freezeApplication", { ...target, body: { reason, until } });
      return askAsMe(verb === "stop" ? "stopApplication" : "unfreezeApplication", { ...target, body: { reason } });
    }}
    close={close}
  />
);

const effectOf = (verb: Verb, application: string | null): string => {
  const whose = application === null ? "every application, also of those registered later," : application;
  switch (verb) {
    case "stop":
      return `A canary of ${whose} is pinned to the baseline and rolled back now, no candidate is asked for anything, and nothing goes forward until the stop is lifted.`;
    case "freeze":
      return `No release of ${whose} goes forward until the freeze is lifted or over. Checks go on; rollbacks and aborts are exempt.`;
    case "unfreeze":
      return application === null
        ? "The freezes and emergency stops of all applications are lifted; those of single ones stay."
        : `Every freeze and emergency stop of ${application} is lifted, and its releases go on.`;
  }
};
