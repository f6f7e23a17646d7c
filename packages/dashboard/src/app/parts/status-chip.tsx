import type { Urgency } from "../domain/standing.ts";

/** A shape for each, so that nothing depends on seeing colours. */
const shapes: { readonly [U in Urgency]: string } = {
  wrong: "M8 1.5 15.2 14.5H.8Z",
  held: "M3 2h4v12H3zM9 2h4v12H9z",
  stopped: "M2 2h12v12H2z",
  moving: "M3 1.5 14 8 3 14.5Z",
  quiet: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2Z",
};

export const StatusMark = ({ urgency }: { readonly urgency: Urgency }) => (
  <svg class="mark" viewBox="0 0 16 16" width="12" height="12" aria-hidden="true">
    <path d={shapes[urgency]} fill="currentColor" />
  </svg>
);

export const StatusChip = ({ urgency, label }: { readonly urgency: Urgency; readonly label: string }) => (
  <span class={`chip chip-${urgency}`}>
    <StatusMark urgency={urgency} />
    {label}
  </span>
);
