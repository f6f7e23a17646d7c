import { useSignal } from "@preact/signals";
import { count, plural } from "../domain/words.ts";
import { DataTable } from "../parts/data-table.tsx";
import { Failure } from "../parts/notices.tsx";
import { StatusChip } from "../parts/status-chip.tsx";
import type { Answer } from "../registry/client.ts";
import { askAsMe } from "../registry/session.ts";

/** The record: whether its chain is whole, and what can be proved from it. */
export const AuditPage = () => (
  <>
    <div class="page-head">
      <h1>Audit</h1>
      <p class="muted">
        Every event of every release, accepted or refused, stands in one append-only record. Each row carries the hash
        of the one before.
      </p>
    </div>
    <ChainState />
  </>
);

const ChainState = () => {
  const answer = useSignal<Answer<"verifyAudit"> | null>(null);
  const failure = useSignal<string | null>(null);
  const isReading = useSignal(false);
  const verify = async () => {
    if (isReading.value) return;
    isReading.value = true;
    failure.value = null;
    try {
      answer.value = await askAsMe("verifyAudit");
    } catch (cause) {
      failure.value = cause instanceof Error ? cause.message : String(cause);
    }
    isReading.value = false;
  };
  const found = answer.value;
  return (
    <section class="panel" aria-labelledby="chain-title">
      <h2 id="chain-title">Chain</h2>
      <p>
        <button type="button" onClick={verify} aria-disabled={isReading.value}>
          {isReading.value ? "Reading every row…" : "Verify the whole record"}
        </button>
      </p>
      {failure.value !== null && <Failure sentence={failure.value} />}
      {found && (
        <div role="status">
          <p>
            <StatusChip
              urgency={found.faults.length === 0 ? "quiet" : "wrong"}
              label={found.faults.length === 0 ? "Unbroken" : plural(found.faults.length, "fault")}
            />{" "}
            {count(found.rows)} rows, head <code class="break">{found.head}</code>
          </p>
          <p class="muted">
            Keep the head where the database’s owner cannot write: compared later, it shows rows that were taken off the
            end.
          </p>
          {found.faults.length > 0 && (
            <DataTable
              caption="Faults"
              fileName="audit-faults"
              rows={found.faults}
              keyOf={({ position, kind }) => `${position} ${kind}`}
              isMarked={() => true}
              columns={[
                {
                  title: "Position",
                  numeric: true,
                  cell: ({ position }) => position,
                  value: ({ position }) => position,
                },
                { title: "Kind", cell: ({ kind }) => kind, value: ({ kind }) => kind },
                { title: "What is wrong", cell: ({ sentence }) => sentence, value: ({ sentence }) => sentence },
              ]}
            />
          )}
        </div>
      )}
    </section>
  );
};
