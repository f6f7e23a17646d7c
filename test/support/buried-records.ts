import { type ReleaseEvent, releasesTopic } from "@sluice/contracts";
import { EventBus } from "@sluice/event-bus";
import { eventIdOf } from "@sluice/release/event-id";
import { event } from "@sluice/release/testing/samples";
import * as Effect from "effect/Effect";
import type * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import { expect } from "vitest";
import { registryAt, until } from "./registry.ts";
import { sluice } from "./sluice-process.ts";

/** Of a version that is not here yet. */
const Foreign = Schema.TaggedStruct("OfAnotherVersion", { application: Schema.String });

/**
 * The log of an application with two dead letters: a record that no service can read, and one that an older version could not
 * and this one can. Both stand in the application's partition, and what follows them there has to be read all the same.
 */
export class BuriedRecords {
  readonly #bus: Layer.Layer<EventBus, unknown>;
  readonly #readable: ReleaseEvent;
  readonly foreignId: string;

  constructor(bus: Layer.Layer<EventBus, unknown>, application: string) {
    this.#bus = bus;
    this.foreignId = `evt-foreign-${application}`;
    const eventId = eventIdOf("ApplicationRegistered", application);
    this.#readable = { ...event("ApplicationRegistered"), application, eventId };
  }

  get readableId(): string {
    return this.#readable.eventId;
  }

  bury(): Promise<void> {
    const { application } = this.#readable;
    const foreign = { ...releasesTopic, schema: Foreign, keyOf: () => application, idOf: () => this.foreignId };
    // It reads all but this one, so that nothing else is buried.
    const isKnown = (read: unknown): read is ReleaseEvent =>
      (read as { readonly application?: unknown }).application !== application;
    const older = { ...releasesTopic, schema: Schema.declare(isKnown, { expected: "an application that it knows" }) };
    return this.#with((bus) =>
      Effect.gen({ self: this }, function* () {
        yield* bus.publish(foreign, [Foreign.make({ application })]);
        yield* bus.publish(releasesTopic, [this.#readable]);
        yield* bus.follow(older, () => Effect.void);
      }),
    );
  }

  /** How often the readable one is on the log. */
  async copies(): Promise<number> {
    let found = 0;
    await this.#with((bus) =>
      bus.follow(releasesTopic, (batch) =>
        Effect.sync(() => {
          found += batch.filter(({ event: { eventId } }) => eventId === this.readableId).length;
        }),
      ),
    );
    return found;
  }

  #with(use: (bus: EventBus["Service"]) => ReturnType<EventBus["Service"]["follow"]>): Promise<void> {
    return Effect.runPromise(Effect.flatMap(EventBus, use).pipe(Effect.scoped, Effect.provide(this.#bus)));
  }
}

interface Letter {
  readonly id: string;
  readonly eventId: string | null;
  readonly readable: boolean;
  readonly reason: string;
}

/** What an operator does about the two, by the command line: `environment` says at which registry. */
export const expectBuriedRecordsReplayed = async (
  buried: BuriedRecords,
  application: string,
  environment: { readonly SLUICE_URL: string; readonly SLUICE_TOKEN: string },
): Promise<void> => {
  const { call } = registryAt(environment.SLUICE_URL, environment.SLUICE_TOKEN);
  const verb = (...args: ReadonlyArray<string>) => sluice(["dead-letters", ...args], environment);
  const letters = await until(
    async () =>
      (JSON.parse((await verb("list", "--json")).stdout) as { deadLetters: ReadonlyArray<Letter> }).deadLetters,
    (found) => [buried.foreignId, buried.readableId].every((id) => found.some(({ eventId }) => eventId === id)),
  );
  const of = (id: string) => letters.find(({ eventId }) => eventId === id) ?? expect.fail(`${id} is not listed`);
  const [foreign, readable] = [of(buried.foreignId), of(buried.readableId)];
  expect([foreign.readable, readable.readable]).toEqual([false, true]);
  expect(foreign.reason).toMatch(/^this version knows no OfAnotherVersion on /);
  const table = (await verb("list")).stdout;
  expect(table).toMatch(new RegExp(`^${foreign.id}  \\S+OfAnotherVersion, \\d+ bytes, unreadable: `, "m"));
  expect(table).toMatch(new RegExp(`^${readable.id}  \\S+ApplicationRegistered, \\d+ bytes, can be read now: `, "m"));
  // It stands behind the foreign one in the same partition.
  const known = await until(
    () => call("GET", `/v1/applications/${application}`).catch(() => null),
    (state) => state !== null,
  );

  expect(await verb("replay", readable.id)).toMatchObject({
    code: 0,
    stdout: `${readable.id} is at the end of its topic again\n`,
  });
  expect(JSON.parse((await verb("replay", readable.id, "--json")).stdout)).toMatchObject({ id: readable.id });
  expect(await buried.copies()).toBe(3);
  expect(await call("GET", `/v1/applications/${application}`)).toEqual(known);

  const refused = await verb("replay", foreign.id);
  expect(refused).toMatchObject({ code: 2, stdout: "" });
  expect(refused.stderr).toContain(`dead letter ${foreign.id} still cannot be read: `);
  const unknown = await verb("replay", "sluice.releases.v1/0/99999999");
  expect(unknown).toMatchObject({ code: 2, stdout: "" });
  expect(unknown.stderr).toContain("there is no dead letter sluice.releases.v1/0/99999999");
};
