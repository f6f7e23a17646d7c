import { diffWordsWithSpace } from "diff";
import { useMemo } from "preact/hooks";

/** Beyond this a comparison word by word takes longer than a person waits. */
const LONGEST = 20_000;

/** Two texts side by side, what differs marked by underline or strike as well as by colour. */
export const TextDiff = ({
  before,
  after,
  names = ["Baseline", "Candidate"],
}: {
  readonly before: string;
  readonly after: string;
  readonly names?: readonly [string, string];
}) => {
  const parts = useMemo(
    () =>
      before.length + after.length > LONGEST ? null : (diffWordsWithSpace(before, after, { timeout: 200 }) ?? null),
    [before, after],
  );
  const [left, right] = names;
  return (
    <div class="diff">
      <section aria-label={left}>
        <h5>{left}</h5>
        <pre dir="auto">
          {parts
            ? parts
                .filter(({ added }) => !added)
                .map(({ removed, value }, i) => (removed ? <del key={i}>{value}</del> : value))
            : before}
        </pre>
      </section>
      <section aria-label={right}>
        <h5>{right}</h5>
        <pre dir="auto">
          {parts
            ? parts
                .filter(({ removed }) => !removed)
                .map(({ added, value }, i) => (added ? <ins key={i}>{value}</ins> : value))
            : after}
        </pre>
      </section>
    </div>
  );
};
