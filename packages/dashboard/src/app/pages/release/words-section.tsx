const definitions: ReadonlyArray<readonly [word: string, meaning: string]> = [
  ["arm", "baseline (what users had before) or candidate (what the release would give them)"],
  ["slice", "a group of eval cases of one kind, judged on its own, so that a loss in it is not averaged away"],
  ["safety case", "an eval case that the candidate must pass where the baseline does: one such loss blocks"],
  ["shadow", "requests are copied to the candidate and both answers are judged; users only ever get the baseline’s"],
  ["canary", "a growing share of users is served by the candidate, and checked all the time"],
  [
    "hold",
    "the least time of a step; also waiting for something that is named, with a deadline after which it is rolled back",
  ],
  ["window", "the span whose requests are judged together, once all gateways have reported them"],
  [
    "e-value",
    "how strongly the data speak against the candidate, as odds: at 100, such data would come at most once in a hundred rollouts of a candidate that is no worse, however often one looks. Plots show its logarithm; at the threshold there is a breach",
  ],
  [
    "confidence sequence",
    "a range for the true difference that holds at all times at once, so one may look as often as one likes; where it leaves 0 out, the difference is real",
  ],
  ["p95", "so slow or faster are 95 of 100 answers"],
  ["safety probe", "a request of a curated set, sent to the candidate while it is live, that it must answer safely"],
  ["pin", "all users back to the baseline, at once, in every gateway"],
];

/** For those who see such a page for the first time. */
export const WordsSection = () => (
  <details class="panel words">
    <summary>What the words on this page mean</summary>
    <dl>
      {definitions.map(([word, meaning]) => (
        <div key={word}>
          <dt>{word}</dt>
          <dd>{meaning}.</dd>
        </div>
      ))}
    </dl>
  </details>
);
