import { it } from "@effect/vitest";
import { killRounds } from "./testing/kill-rounds.ts";

// The long version is `pnpm soak:telemetry`.
it("a kill during ingest loses no acknowledged row, doubles none, and leaves the rollup equal to the rows", async () => {
  const moments = [0.2, 0.9, 0.5];
  await killRounds(3, () => moments.pop() ?? 0.5);
});
