import { once } from "node:events";
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

it("runs the others when one fails, and says where, without words that may be a user's", async () => {
  const warned = once(process, "warning");
  await new Promise<void>((resolve) => {
    atTurnEnd(() => {
      throw new RangeError("what a user has said");
    });
    atTurnEnd(resolve);
  });
  const [{ message }] = await warned;
  expect(message).toMatch(/^a task at the end of a turn failed: RangeError\n +at .*turn-end\.test\.ts/u);
  expect(message).not.toContain("user");
});
