import { assert, describe, it } from "@effect/vitest";
import type { GatewayReport } from "@sluice/contracts";
import { at } from "@sluice/release/testing/samples";
import {
  closedThrough,
  type GatewayBook,
  gatewaysToPin,
  liveGateways,
  mitigationOf,
  recordReport,
  takenByAll,
} from "./gateway-book.ts";

const report = (
  gatewayId: string,
  seconds: number,
  version: number,
  changes: Partial<GatewayReport> = {},
): GatewayReport => ({
  _tag: "GatewayReported",
  gatewayId,
  at: at(seconds),
  live: true,
  routing: { "support-bot": version },
  candidateLastServedAt: {},
  dropped: { observations: 0, payloads: 0, mirrored: 0 },
  ...changes,
});
const bookOf = (...reports: ReadonlyArray<GatewayReport>): GatewayBook =>
  reports.reduce<GatewayBook>((book, one) => recordReport(book, one, one.at), new Map());
const mitigation = (book: GatewayBook, seconds: number, version: number) =>
  mitigationOf(liveGateways(book, at(seconds), 5_000), "support-bot", version);

describe("live gateways", () => {
  it("are those that reported lately and have not left", () => {
    const book = bookOf(report("gw-1", 10, 3), report("gw-2", 3, 3), report("gw-3", 10, 3, { live: false }));
    assert.deepStrictEqual(
      liveGateways(book, at(11), 5_000).map((gateway) => gateway.report.gatewayId),
      ["gw-1"],
    );
  });

  it("are told by when they were heard, not by their own clocks", () => {
    const book = recordReport(new Map(), report("gw-slow-clock", 10, 3), at(100));
    assert.strictEqual(liveGateways(book, at(101), 5_000).length, 1);
    assert.strictEqual(liveGateways(book, at(106), 5_000).length, 0);
  });

  it("are not confused by a report that comes late", () => {
    const book = bookOf(report("gw-1", 10, 4), report("gw-1", 9, 3));
    assert.strictEqual(book.get("gw-1")?.report.at, at(10));
  });
});

describe("a version", () => {
  it("is taken by all once the last one has said that it serves it, or a later one", () => {
    const first = bookOf(report("gw-1", 10, 7), report("gw-2", 10, 6));
    const taken = (book: GatewayBook) => takenByAll(liveGateways(book, at(13), 5_000), "support-bot", 7);
    assert.isNull(taken(first));
    assert.isNull(taken(bookOf()));
    assert.strictEqual(taken(recordReport(first, report("gw-2", 12, 9), at(12))), at(12));
    assert.isNull(takenByAll(liveGateways(first, at(13), 5_000), "search", 7));
  });
});

describe("mitigation", () => {
  it("names since when each gateway serves the pin, and who does not yet", () => {
    const book = bookOf(report("gw-1", 10, 7), report("gw-2", 10, 6), report("gw-1", 11, 8));
    assert.deepStrictEqual(mitigation(book, 12, 7), {
      gateways: [{ gatewayId: "gw-1", acknowledgedAt: at(10) }],
      unacknowledged: ["gw-2"],
    });
  });

  it("waits for a silent gateway as long as it may go on with the candidate, unless it took its leave", () => {
    const book = bookOf(
      report("gw-cut-off", 93, 6),
      report("gw-long-gone", 60, 6),
      report("gw-left", 99, 6, { live: false }),
      report("gw-1", 101, 7),
    );
    assert.deepStrictEqual(mitigationOf(gatewaysToPin(book, at(100), 30, 5_000), "support-bot", 7), {
      gateways: [{ gatewayId: "gw-1", acknowledgedAt: at(101) }],
      unacknowledged: ["gw-cut-off"],
    });
    const back = recordReport(book, report("gw-cut-off", 104, 7), at(104));
    assert.deepStrictEqual(mitigationOf(gatewaysToPin(back, at(100), 30, 5_000), "support-bot", 7).unacknowledged, []);
  });

  it("waits for a gateway that says it serves the pin and still serves the candidate", () => {
    const serving = (seconds: number, last: number) =>
      report("gw-1", seconds, 7, { candidateLastServedAt: { "support-bot": at(last) } });
    assert.deepStrictEqual(mitigation(bookOf(serving(10, 9)), 11, 7).unacknowledged, []);
    assert.deepStrictEqual(mitigation(bookOf(serving(10, 9), serving(11, 10.5)), 11, 7).unacknowledged, ["gw-1"]);
    // It has stopped since.
    assert.deepStrictEqual(mitigation(bookOf(serving(10, 9), serving(13, 10.5)), 13, 7).unacknowledged, []);
  });
});

describe("closed windows", () => {
  const book = bookOf(report("gw-1", 100, 3), report("gw-2", 100, 3));
  const live = liveGateways(book, at(101), 5_000);
  const closed = (marks: Record<string, number>, seconds = 101) =>
    closedThrough(live, new Map(Object.entries(marks).map(([gatewayId, mark]) => [gatewayId, at(mark)])), {
      startedAt: at(0),
      now: at(seconds),
      windowSeconds: 10,
      graceMs: 5_000,
    });

  it("end at the least of the live gateways' watermarks", () => {
    assert.deepStrictEqual(closed({ "gw-1": 99, "gw-2": 89, "gw-3": 5 }), { through: at(80), fault: null });
  });

  it("go on without a gateway that is late, which is a fault with a name", () => {
    const late = closed({ "gw-1": 99, "gw-2": 60 });
    assert.strictEqual(late.through, at(90));
    assert.deepStrictEqual(late.fault, {
      cause: "watermark-behind",
      waitsFor: `observations of gateway gw-2, which are complete only up to ${at(60)}`,
    });
  });

  it("wait for a gateway that has just come, and has sent nothing yet", () => {
    assert.deepStrictEqual(closed({ "gw-1": 109 }, 111), { through: at(100), fault: null });
    assert.match(closed({ "gw-1": 129 }, 130).fault?.waitsFor ?? "", /gw-2/);
  });

  it("are none without a gateway", () => {
    const none = closedThrough([], new Map(), {
      startedAt: at(0),
      now: at(101),
      windowSeconds: 10,
      graceMs: 5_000,
    });
    assert.strictEqual(none.through, null);
    assert.strictEqual(none.fault?.cause, "watermark-behind");
  });
});
