import type { AuditRow } from "@sluice/contracts";
import { askAsMe } from "./session.ts";

export interface Found {
  readonly rows: ReadonlyArray<AuditRow>;
  /** Rows that were read. */
  readonly read: number;
  readonly isComplete: boolean;
}

/** More is not read by a person; whoever needs all takes the export. */
const MOST = 200;

/**
 * Rows of the record that have the text in their event: an id of a release, a digest, a person, a word of a reason. Read page by
 * page to the end of the record, or until there are enough; `tell` hears how far it is.
 */
export const searchRecord = async (text: string, stop: AbortSignal, tell: (found: Found) => void): Promise<void> => {
  const wanted = text.toLowerCase();
  let rows: ReadonlyArray<AuditRow> = [];
  let read = 0;
  for (let after: number | null = 0; after !== null && rows.length < MOST && !stop.aborted; ) {
    const page: { readonly rows: ReadonlyArray<AuditRow>; readonly next: number | null } = await askAsMe(
      "getAuditRows",
      {
        query: { after: String(after) },
        signal: stop,
      },
    );
    read += page.rows.length;
    rows = [...rows, ...page.rows.filter(({ payload }) => payload.toLowerCase().includes(wanted))].slice(0, MOST);
    after = page.next;
    tell({ rows, read, isComplete: after === null });
  }
};
