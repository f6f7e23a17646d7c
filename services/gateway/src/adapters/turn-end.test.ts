import { expect, it } from "vitest";
import { atTurnEnd } from "./turn-end.ts";

it("runs tasks in their order, after all that the turn brought, and what they add in the next turn", async () => {
  const order: Array<string> = [];
  await new Promise<void>((resolve) => {
    const first = () => {
      order.push("first");
      atTurnEnd(() => {
        order.push("added");
        resolve();
      });
    };
    atTurnEnd(first);
    queueMicrotask(() => order.push("the turn's own"));
    atTurnEnd(() => order.push("second"));
  });
  expect(order).toEqual(["the turn's own", "first", "second", "added"]);
});
