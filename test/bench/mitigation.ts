import { randomSource } from "@sluice/statistics";
import { type MitigatedRelease, MitigationStage } from "../support/mitigation-stage.ts";

/**
 * How long users meet a broken candidate: 200 requests a second at the 5 % step, half of its answers begin to fail, closed
 * windows of 5 s, 20 gateways over real HTTP. `node test/bench/mitigation.ts [releases] [gateways] [requests a second]`
 */
const [releases = 7, gateways = 20, requestsPerSecond = 200] = process.argv.slice(2).map(Number);
const MAX_EXPOSURE_S = 15;
const MAX_ACKNOWLEDGED_S = 1;

const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const seconds = (ms: number): string => (ms / 1_000).toFixed(2);

const random = randomSource(6);
const stage = await MitigationStage.open(gateways);
const results: Array<MitigatedRelease> = [];
console.log(
  "release  first bad → zero candidate (s)  bad answers  decision → last gateway (s)  gateways  answers after",
);
for (let i = 0; i < releases; i++) {
  // Where in a window the fault begins is a matter of chance.
  const result = await stage.breakAtFivePerCent(`app-${i + 1}`, requestsPerSecond, 5_000 + 5_000 * random());
  results.push(result);
  console.log(
    [
      String(i + 1).padEnd(7),
      seconds(result.exposureMs).padEnd(30),
      String(result.badAnswers).padEnd(11),
      seconds(result.acknowledgedMs).padEnd(27),
      String(result.acknowledged.length).padEnd(8),
      result.answersAfter,
    ].join("  "),
  );
}
await stage.close();
const exposure = median(results.map(({ exposureMs }) => exposureMs));
const acknowledged = Math.max(...results.map(({ acknowledgedMs }) => acknowledgedMs));
console.log(`\nmedian exposure ${seconds(exposure)} s (at most ${MAX_EXPOSURE_S})`);
console.log(
  `decision to the last gateway's acknowledgement: median ${seconds(median(results.map((one) => one.acknowledgedMs)))} s, worst ${seconds(acknowledged)} s (at most ${MAX_ACKNOWLEDGED_S})`,
);
process.exitCode = exposure <= 1_000 * MAX_EXPOSURE_S && acknowledged <= 1_000 * MAX_ACKNOWLEDGED_S ? 0 : 1;
