import type { RecordedEventBody, ReleaseEvent } from "@sluice/contracts";
import { duration, localTime } from "../../domain/words.ts";
import { DataTable } from "../../parts/data-table.tsx";
import { Section } from "./section.tsx";

type Of<T extends ReleaseEvent["_tag"]> = Extract<ReleaseEvent, { _tag: T }>;

/** From the first breached window to the last gateway's acknowledgement: how fast users were safe again. */
export const Mitigation = ({
  events,
  release,
}: {
  readonly events: ReadonlyArray<RecordedEventBody>;
  readonly release: string;
}) => {
  const find = <T extends ReleaseEvent["_tag"]>(tag: T) =>
    events.findLast(({ accepted, event }) => accepted && event._tag === tag)?.event as Of<T> | undefined;
  const breach = find("CanaryBreached");
  if (!breach) return null;
  const confirmed = find("MitigationConfirmed");
  const rolledBack = find("ReleaseRolledBack");
  const after = (at: string) => duration(Date.parse(at) - Date.parse(breach.at));
  const missing = rolledBack?.unacknowledged ?? [];
  const rows = [
    ...(confirmed?.gateways ?? []).map(({ gatewayId, acknowledgedAt }) => ({ gatewayId, acknowledgedAt })),
    ...missing.map((gatewayId) => ({ gatewayId, acknowledgedAt: null })),
  ];
  return (
    <Section
      id="mitigation"
      title="Mitigation"
      verdict={
        confirmed
          ? `Every live gateway served the baseline ${after(confirmed.at)} after the breach was seen.`
          : rolledBack
            ? `Rolled back without the word of every gateway.`
            : "Traffic is pinned to the baseline; not every gateway has said yet that it serves that."
      }
    >
      <p class="muted">
        First window that shows the breach: {localTime(breach.since)}. Seen{" "}
        {duration(Date.parse(breach.at) - Date.parse(breach.since))} later.
      </p>
      {rows.length > 0 && (
        <DataTable
          caption="Gateways’ acknowledgements of the pin"
          fileName={`${release}-gateways`}
          rows={rows}
          keyOf={({ gatewayId }) => gatewayId}
          isMarked={({ acknowledgedAt }) => acknowledgedAt === null}
          columns={[
            {
              title: "Gateway",
              cell: ({ gatewayId }) => <code class="break">{gatewayId}</code>,
              value: ({ gatewayId }) => gatewayId,
            },
            {
              title: "Acknowledged",
              numeric: true,
              cell: ({ acknowledgedAt }) => (acknowledgedAt === null ? "not in time" : localTime(acknowledgedAt)),
              value: ({ acknowledgedAt }) => acknowledgedAt,
            },
            {
              title: "After the breach was seen",
              numeric: true,
              cell: ({ acknowledgedAt }) => (acknowledgedAt === null ? "–" : after(acknowledgedAt)),
              value: ({ acknowledgedAt }) =>
                acknowledgedAt === null ? null : (Date.parse(acknowledgedAt) - Date.parse(breach.at)) / 1_000,
            },
          ]}
        />
      )}
    </Section>
  );
};
