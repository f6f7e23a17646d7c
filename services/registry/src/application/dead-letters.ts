import {
  type DeadLetter,
  type DeadLetterBody,
  deadLetterId,
  deadLettersTopic,
  type Topic,
  topics,
} from "@sluice/contracts";
import { decodeRecord, EventBus } from "@sluice/event-bus";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { Conflict } from "./conflict.ts";
import { NotFound } from "./requests.ts";

type AnyEvent = { readonly _tag: string };

/** All there are, the oldest first. They are few and asked for seldom, so they are read from the bus each time. */
const readAll = Effect.gen(function* () {
  const bus = yield* EventBus;
  const letters = new Map<string, DeadLetter>();
  yield* Effect.scoped(
    bus.follow(deadLettersTopic, (batch) =>
      Effect.sync(() => {
        // Several services may bury one record: its place is its identity.
        for (const { event } of batch) letters.set(deadLetterId(event), event);
      }),
    ),
  );
  return letters;
});

/** The event, if this version can read it by now. */
const decoded = (letter: DeadLetter): Result.Result<readonly [Topic<AnyEvent>, AnyEvent], string> => {
  // The list's types differ only in their events, and a letter names its topic by its name.
  const topic = (topics as unknown as ReadonlyArray<Topic<AnyEvent>>).find(({ name }) => name === letter.topic);
  if (!topic) return Result.fail(`${letter.topic} is no topic of this version`);
  return Result.map(decodeRecord(topic, letter), (event) => [topic, event] as const);
};

const bodyOf = (letter: DeadLetter): DeadLetterBody => ({
  id: deadLetterId(letter),
  topic: letter.topic,
  partition: letter.partition,
  offset: letter.offset,
  key: letter.key,
  eventId: letter.headers.ce_id ?? null,
  type: letter.headers.ce_type ?? null,
  bytes: Buffer.byteLength(letter.value),
  reason: letter.reason,
  readable: Result.isSuccess(decoded(letter)),
});

export const listDeadLetters = Effect.map(readAll, (letters) => [...letters.values()].map(bodyOf));

/**
 * Publishes a letter again, as its topic has it. Its id is the event's own, so that replaying it twice, or what came in another
 * way meanwhile, counts once.
 */
export const replayDeadLetter = Effect.fnUntraced(function* (id: string) {
  const letter = (yield* readAll).get(id);
  if (!letter)
    return yield* new NotFound({ message: `there is no dead letter ${id}; sluice dead-letters list has them` });
  const read = decoded(letter);
  if (Result.isFailure(read))
    return yield* new Conflict({
      code: "unreadable",
      message: `dead letter ${id} still cannot be read: ${read.failure}`,
    });
  const [topic, event] = read.success;
  yield* (yield* EventBus).publish(topic, [event]);
  return bodyOf(letter);
});
