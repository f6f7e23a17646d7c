import { assert, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import { kafkaPublisher, type PublishingClient } from "./kafka-publisher.ts";

const record = (value: string) => ({ key: "k", headers: {}, value });

it.live("a topic whose request hangs holds up its own records, and those of no other topic", () =>
  Effect.gen(function* () {
    const sent: Array<string> = [];
    let answer: () => void = () => {};
    const slow = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const client: PublishingClient = {
      producer: () => ({
        connect: async () => {},
        disconnect: async () => {},
        transaction: () => Promise.reject(new Error("one request needs no transaction")),
        send: async ({ topic, messages }) => {
          sent.push(...messages.map(({ value }) => `${topic} ${value}`));
          if (topic === "observations") await slow;
          return [];
        },
      }),
    };
    const { send } = yield* kafkaPublisher(client, { fetchTopicOffsets: async () => [] });
    const observed = yield* Effect.forkChild(
      Effect.all([send("observations", 1, [record("1")]), send("observations", 1, [record("2")])], {
        concurrency: "unbounded",
      }),
      { startImmediately: true },
    );
    yield* send("gateways", 1, [record("alive")]);
    assert.deepStrictEqual(sent, ["observations 1", "gateways alive"]);
    answer();
    yield* Fiber.join(observed);
    assert.deepStrictEqual(sent, ["observations 1", "gateways alive", "observations 2"]);
  }).pipe(Effect.scoped, Effect.timeout("5 seconds")),
);
