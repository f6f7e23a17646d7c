import { useSignal } from "@preact/signals";
import type { OfflineEvidence } from "@sluice/contracts";
import { count, signed } from "../../domain/words.ts";
import { type ArmOutcome, type ComparedCase, comparedCases, resultLines } from "../../domain/worst-cases.ts";
import { DataTable } from "../../parts/data-table.tsx";
import { Failure, Nothing } from "../../parts/notices.tsx";
import { TextDiff } from "../../parts/text-diff.tsx";
import { sendAsMe } from "../../registry/session.ts";

/** A page is no place for more; the files themselves can be downloaded. */
const MOST_BYTES = 32 * 1_024 * 1_024;
const SHOWN = 12;

const textOf = async (digest: string): Promise<string> => {
  const response = await sendAsMe("getArtifact", { path: { digest } });
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (bytes.length > MOST_BYTES) throw new Error(`results ${digest} have more than 32 MB; download them instead`);
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  if (!isGzip) return new TextDecoder().decode(bytes);
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
};

/** The cases that lost most, with both outputs; read when somebody asks, because results may be large. */
export const WorstCases = ({ evidence, release }: { readonly evidence: OfflineEvidence; readonly release: string }) => {
  const cases = useSignal<ReadonlyArray<ComparedCase> | null>(null);
  const failure = useSignal<string | null>(null);
  const isReading = useSignal(false);
  const read = async () => {
    if (isReading.value) return;
    isReading.value = true;
    failure.value = null;
    try {
      const [baseline, candidate] = await Promise.all([
        textOf(evidence.baseline.results),
        textOf(evidence.candidate.results),
      ]);
      cases.value = comparedCases(resultLines(baseline), resultLines(candidate));
    } catch (cause) {
      failure.value = cause instanceof Error ? cause.message : String(cause);
    }
    isReading.value = false;
  };
  return (
    <>
      <h3>Worst cases</h3>
      {failure.value !== null && <Failure sentence={failure.value} />}
      {cases.value === null ? (
        <p>
          <button type="button" onClick={read} aria-disabled={isReading.value}>
            {isReading.value ? "Reading the results…" : "Show the cases that lost most"}
          </button>
        </p>
      ) : (
        <Compared cases={cases.value} release={release} />
      )}
    </>
  );
};

const Compared = ({ cases, release }: { readonly cases: ReadonlyArray<ComparedCase>; readonly release: string }) => {
  if (cases.length === 0)
    return <Nothing>The results are in a form that is not compared here; download them above.</Nothing>;
  const worse = cases.filter(({ difference }) => difference < 0);
  if (worse.length === 0) return <Nothing>No case scored lower on the candidate than on the baseline.</Nothing>;
  return (
    <>
      <p class="muted">
        {count(worse.length)} of {count(cases.length)} cases scored lower on the candidate; the{" "}
        {count(Math.min(SHOWN, worse.length))} that lost most are shown.
      </p>
      {worse.slice(0, SHOWN).map((one) => (
        <details key={one.caseId} class="case">
          <summary>
            <code class="break">{one.caseId}</code> {one.slice !== null && <bdi class="tag">{one.slice}</bdi>}
            {one.safety && <span class="tag tag-wrong">safety</span>}{" "}
            <span class="number">{signed(one.difference, (value) => value.toFixed(2))}</span>
          </summary>
          {one.input !== null && (
            <>
              <h5>Input</h5>
              <pre dir="auto">{one.input}</pre>
            </>
          )}
          {one.baseline.output === null && one.candidate.output === null ? (
            <p class="muted">The results have scores only, no outputs.</p>
          ) : (
            <TextDiff before={shown(one.baseline)} after={shown(one.candidate)} />
          )}
        </details>
      ))}
      <details>
        <summary>All compared cases as a table</summary>
        <DataTable
          caption="Compared cases"
          captionHidden
          fileName={`${release}-cases`}
          rows={cases.slice(0, 500)}
          keyOf={({ caseId }) => caseId}
          columns={[
            { title: "Case", cell: ({ caseId }) => <code class="break">{caseId}</code>, value: ({ caseId }) => caseId },
            { title: "Slice", cell: ({ slice }) => <bdi>{slice ?? "–"}</bdi>, value: ({ slice }) => slice },
            { title: "Safety", cell: ({ safety }) => (safety ? "yes" : ""), value: ({ safety }) => safety },
            {
              title: "Baseline",
              numeric: true,
              cell: ({ baseline }) => baseline.score ?? "error",
              value: ({ baseline }) => baseline.score,
            },
            {
              title: "Candidate",
              numeric: true,
              cell: ({ candidate }) => candidate.score ?? "error",
              value: ({ candidate }) => candidate.score,
            },
            {
              title: "Difference",
              numeric: true,
              cell: ({ difference }) => signed(difference),
              value: ({ difference }) => difference,
            },
          ]}
        />
      </details>
    </>
  );
};

const shown = ({ output, error }: ArmOutcome): string =>
  output ?? (error === null ? "(no output on record)" : `error: ${error}`);
