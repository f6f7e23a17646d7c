import { count, plural } from "../../domain/words.ts";
import { DataTable } from "../../parts/data-table.tsx";
import { Failure } from "../../parts/notices.tsx";
import { StatusChip } from "../../parts/status-chip.tsx";
import { useTask } from "../../parts/use-task.ts";
import type { Answer } from "../../registry/client.ts";
import { askAsMe } from "../../registry/session.ts";

export const ChainState = () => {
  const task = useTask<Answer<"verifyAudit">>();
  const found = task.value.value;
  return (
    <section class="panel" aria-labelledby="chain-title">
      <h2 id="chain-title">Is the record whole?</h2>
      <p>
        <button
          type="button"
          onClick={() => task.run(() => askAsMe("verifyAudit"))}
          aria-disabled={task.isRunning.value}
        >
          {task.isRunning.value ? "Reading every row…" : "Verify the whole record"}
        </button>
      </p>
      {task.failure.value !== null && <Failure sentence={task.failure.value} />}
      {found && (
        <div role="status">
          <p>
            <StatusChip
              urgency={found.faults.length === 0 ? "quiet" : "wrong"}
              label={found.faults.length === 0 ? "Unbroken" : plural(found.faults.length, "fault")}
            />{" "}
            {plural(found.rows, "row")}, {count(found.signed)} of them under a signed checkpoint. Root{" "}
            <code class="break">{found.root}</code>
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
