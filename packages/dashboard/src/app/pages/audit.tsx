import { ChainState } from "./audit/chain-state.tsx";
import { PassportCheck } from "./audit/passport-check.tsx";
import { RecordSearch } from "./audit/record-search.tsx";
import { ServedAt } from "./audit/served-at.tsx";

/** The record: whether it is whole, what ran when, who did what, and whether a passport proves what it says. */
export const AuditPage = () => (
  <>
    <div class="page-head">
      <h1>Audit</h1>
      <p class="muted">
        Every event of every release, accepted or refused, stands in one append-only record; its rows are the leaves of
        a signed tree.
      </p>
    </div>
    <ChainState />
    <ServedAt />
    <RecordSearch />
    <PassportCheck />
  </>
);
