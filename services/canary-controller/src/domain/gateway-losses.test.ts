import { assert, it } from "@effect/vitest";
import type { GatewayReport } from "@sluice/contracts";
import { at } from "@sluice/release/testing/samples";
import { closedThrough, type GatewayBook, liveGateways, recordReport } from "./gateway-book.ts";

const report = (seconds: number, observations: number): GatewayReport => ({
  _tag: "GatewayReported",
  gatewayId: "gw-1",
  at: at(seconds),
  live: true,
  routing: {},
  candidateLastServedAt: {},
  dropped: { observations, payloads: 0, mirrored: 0 },
});

/** `reports` are pairs of second and dropped observations; the last one is of now. */
const closedAfter = (...reports: ReadonlyArray<readonly [number, number]>) => {
  const book = reports.reduce<GatewayBook>(
    (before, [seconds, dropped]) => recordReport(before, report(seconds, dropped), at(seconds)),
    new Map(),
  );
  const now = at(reports.at(-1)?.[0] ?? 0);
  return closedThrough(liveGateways(book, now, 5_000), new Map([["gw-1", now]]), {
    startedAt: at(0),
    now,
    windowSeconds: 10,
    graceMs: 5_000,
  });
};

it("a gateway that drops observations is a fault for as long as a silent one would be, and windows still close", () => {
  const lossy = closedAfter([10, 0], [20, 3], [40, 3]);
  assert.strictEqual(lossy.through, at(40));
  assert.deepStrictEqual(lossy.fault, {
    cause: "watermark-behind",
    waitsFor: `complete observations of gateway gw-1, which had to drop some by ${at(20)}`,
  });
  assert.isNotNull(closedAfter([10, 0], [20, 3], [40, 4], [60, 4]).fault);
  assert.isNull(closedAfter([10, 0], [20, 3], [46, 3]).fault);
});

it("what a gateway dropped before it was first heard, or in an earlier life, is no loss of now", () => {
  assert.isNull(closedAfter([10, 3], [20, 3]).fault);
  assert.isNull(closedAfter([10, 3], [20, 0], [30, 0]).fault);
  assert.isNotNull(closedAfter([10, 3], [20, 1]).fault);
});
