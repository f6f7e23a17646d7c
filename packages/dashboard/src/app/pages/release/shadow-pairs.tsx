import type { ShadowPair, ShadowPairsBody } from "@sluice/contracts";
import { count, localTime, milliseconds, plural, signed } from "../../domain/words.ts";
import { Failure, Nothing } from "../../parts/notices.tsx";
import { TextDiff } from "../../parts/text-diff.tsx";
import { useTask } from "../../parts/use-task.ts";
import { askAsMe, may } from "../../registry/session.ts";

type Kept = typeof ShadowPairsBody.Type;

/** More are read by no person at a time. */
const SHOWN = "12";

/**
 * Mirrored requests with both answers side by side and what the judge said. They are users' texts: read when somebody asks for
 * them, by who may, and kept nowhere.
 */
export const ShadowPairs = ({ application, release }: { readonly application: string; readonly release: string }) => {
  const task = useTask<Kept>();
  const kept = task.value.value;
  const read = () => askAsMe("getShadowPairs", { path: { releaseId: release }, query: { application, limit: SHOWN } });
  return (
    <>
      <h3>Sample pairs</h3>
      {may("texts") ? (
        <p>
          <button type="button" onClick={() => void task.run(read)} aria-disabled={task.isRunning.value}>
            {task.isRunning.value ? "Reading…" : kept ? "Read again" : "Show the pairs where the candidate lost most"}
          </button>
        </p>
      ) : (
        <p class="muted">What users wrote and were answered is shown to operators, approvers and admins.</p>
      )}
      {task.failure.value !== null && <Failure sentence={`The pairs cannot be read: ${task.failure.value}`} />}
      {kept && <Pairs kept={kept} />}
    </>
  );
};

const Pairs = ({ kept: { kept, keptDays, payloadSampleRate, pairs } }: { readonly kept: Kept }) => {
  if (kept === 0 && payloadSampleRate === 0)
    return (
      <Nothing>
        No pair is stored, because this policy keeps no texts (<code>shadow.payloadSampleRate</code> is 0). The judge
        has seen them all the same.
      </Nothing>
    );
  if (kept === 0)
    return (
      <Nothing>
        No pair is stored: none has been mirrored yet, or they are older than {keptDays} days, or they were erased.
      </Nothing>
    );
  return (
    <>
      <p class="muted">
        {plural(kept, "pair is", "pairs are")} stored{payloadSampleRate < 1 && ", a sample of all"}.{" "}
        {pairs.length < kept
          ? `Shown are the ${count(pairs.length)} where the judge saw the candidate lose most. `
          : kept > 1 && "Those where the judge saw the candidate lose most come first. "}
        Redacted, and gone after {keptDays} days.
      </p>
      {pairs.map((pair) => (
        <details key={pair.pairId} class="case">
          <summary>
            <span class="case-name" dir="auto">
              {firstLineOf(pair.input) || "(no text)"}
            </span>{" "}
            <Verdict pair={pair} />
          </summary>
          <p class="muted">{told(pair)}</p>
          <h5>Request</h5>
          <pre dir="auto">{pair.input}</pre>
          <TextDiff before={answerOf(pair.baseline)} after={answerOf(pair.candidate)} />
        </details>
      ))}
    </>
  );
};

const Verdict = ({ pair: { judgement } }: { readonly pair: ShadowPair }) => {
  if (judgement === null) return <span class="tag">not judged yet</span>;
  const { baselineScore, candidateScore, error } = judgement;
  if (error !== null) return <span class="tag">the judge failed</span>;
  if (baselineScore === null || candidateScore === null) return <span class="tag">not compared</span>;
  return <span class="number">{signed(candidateScore - baselineScore, (value) => value.toFixed(2))}</span>;
};

const firstLineOf = (text: string): string => {
  const line = text.trim().split("\n", 1)[0] ?? "";
  return line.length > 120 ? `${line.slice(0, 119)}…` : line;
};

/** What the judge said, and what else there is to know of the two answers, in words. */
const told = ({ at, baseline, candidate, judgement, toolDivergence }: ShadowPair): string =>
  [
    localTime(at),
    judgement?.error && `the judge failed: ${judgement.error}`,
    judgement &&
      judgement.baselineScore !== null &&
      judgement.candidateScore !== null &&
      `the judge gave ${judgement.baselineScore.toFixed(2)} to the baseline and ${judgement.candidateScore.toFixed(2)} to the candidate`,
    `answered in ${milliseconds(baseline.latencyMs)} and ${milliseconds(candidate.latencyMs)}`,
    toolDivergence !== null && `the candidate called tools differently (${toolDivergence.replace("-", " ")})`,
  ]
    .filter(Boolean)
    .join(" · ");

const answerOf = ({ output, errorClass }: ShadowPair["baseline"]): string =>
  errorClass === null ? output || "(an answer without text)" : `error: ${errorClass}`;
