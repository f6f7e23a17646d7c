import { describe, expect, it } from "vitest";
import { bundleOf, candidateOf, routingOf } from "../testing/routing-fixture.ts";
import { chooseArm, chooseArmByName } from "./arm-choice.ts";
import { RoutingTable } from "./routing-table.ts";

const candidate = candidateOf(bundleOf("candidate"), { share: 1, maxUnwatchedSeconds: 10 });
const armAt = (table: RoutingTable, nowMs: number) => {
  const known = table.get("support-bot");
  return known ? chooseArm(known, "key", nowMs) : null;
};

describe("RoutingTable", () => {
  it("ends at the highest version, whatever order records come in", () => {
    const orders = [
      [1, 2, 3],
      [3, 2, 1],
      [2, 3, 1],
      [1, 3, 2],
      [3, 1, 2],
      [2, 1, 3],
    ];
    for (const order of orders) {
      const table = new RoutingTable();
      const seen: Array<number> = [];
      for (const version of order) {
        table.accept(routingOf(version), 0, true);
        seen.push(table.get("support-bot")?.routing.version ?? -1);
      }
      expect(seen).toEqual(seen.toSorted());
      expect(seen.at(-1)).toBe(3);
    }
  });

  it("withholds a candidate that was not heard of for too long, until it is heard again", () => {
    const table = new RoutingTable();
    table.accept(routingOf(1, { candidate }), 0, true);
    expect(armAt(table, 10_000)).toMatchObject({ arm: "candidate", withheld: false });
    expect(armAt(table, 10_001)).toMatchObject({ arm: "baseline", withheld: true, releaseId: null });
    table.accept(routingOf(1, { candidate }), 10_002, true);
    expect(armAt(table, 20_000)).toMatchObject({ arm: "candidate" });
  });

  it("takes a record from before its start as news, but not as a sign of life", () => {
    const table = new RoutingTable();
    table.restore({ routing: routingOf(1, { candidate }), heardAtMs: 0 });
    table.accept(routingOf(1, { candidate }), 60_000, false);
    expect(armAt(table, 60_000)?.arm).toBe("baseline");
    table.accept(routingOf(2, { candidate }), 60_000, false);
    expect(table.get("support-bot")?.routing.version).toBe(2);
    expect(armAt(table, 60_000)?.arm).toBe("baseline");
    table.accept(routingOf(2, { candidate }), 60_001, true);
    expect(armAt(table, 60_001)?.arm).toBe("candidate");
  });

  it("does not let an older file win over what the bus has said", () => {
    const table = new RoutingTable();
    table.accept(routingOf(3), 0, true);
    table.restore({ routing: routingOf(2, { candidate }), heardAtMs: 0 });
    expect(table.get("support-bot")?.routing.version).toBe(3);
  });
});

describe("chooseArm", () => {
  const known = (share: number) => ({ routing: routingOf(1, { candidate: { ...candidate, share } }), heardAtMs: 0 });

  it("never gives a user the candidate at share 0", () => {
    for (let i = 0; i < 10_000; i += 1) expect(chooseArm(known(0), `key-${i}`, 0).arm).toBe("baseline");
  });

  it("keeps every user's request out of the comparison while nobody watches, those of the baseline too", () => {
    const half = { routing: routingOf(1, { candidate: { ...candidate, share: 0.5 } }), heardAtMs: 0 };
    const choices = Array.from({ length: 100 }, (_, i) => chooseArm(half, `key-${i}`, 10_001));
    expect(new Set(choices.map(({ arm, releaseId }) => `${arm} ${releaseId}`))).toEqual(new Set(["baseline null"]));
    // A shadow has no traffic of its own to take away: its observations are the release's, watched or not.
    expect(chooseArm(known(0), "key", 10_001).releaseId).toBe("release-1");
  });

  it("gives a tester the arm asked for, apart from users, if there is one", () => {
    expect(chooseArmByName(known(0), "candidate")).toMatchObject({ arm: "candidate", role: "probe" });
    expect(chooseArmByName({ routing: routingOf(1), heardAtMs: 0 }, "candidate")).toBeNull();
  });
});
