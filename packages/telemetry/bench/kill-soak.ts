import { killRounds } from "../src/testing/kill-rounds.ts";

/** `pnpm soak:telemetry [rounds]`: kill -9 during ingest, 20 times unless told otherwise. */
const rounds = Number(process.argv[2] ?? 20);
let round = 0;
await killRounds(rounds, Math.random, ({ acknowledged, afterMs }) => {
  const what = round === rounds ? "checked once more" : `killed after ${afterMs} ms`;
  console.log(`${String(++round).padStart(3)}  ${what}, ${acknowledged * 200} rows acknowledged so far`);
});
console.log(
  `${rounds} kills: no acknowledged row lost, none double after the retry, rollup = raw rows on each opening`,
);
