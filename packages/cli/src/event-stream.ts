import type { CanaryProgress, RecordedEventBody, ReleaseState } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import * as Schedule from "effect/Schedule";
import * as Stream from "effect/Stream";
import { EventSourceParserStream } from "eventsource-parser/stream";
import { type Exit, internalError, usageError } from "./exit.ts";
import type { RegistryAddress } from "./registry-client.ts";

/** What the registry's stream says: where every application stands, then each event as it is recorded, and how canary steps stand. */
export type RegistryMessage =
  | { readonly _tag: "State"; readonly state: ReleaseState }
  | { readonly _tag: "Event"; readonly recorded: RecordedEventBody }
  | { readonly _tag: "Progress"; readonly progress: CanaryProgress };

/**
 * Follows the registry from `after` (a position of the record; from now on when left out). A broken stream is taken up
 * where it broke; a registry that stays away for some ten seconds fails.
 */
export const registryStream = (address: RegistryAddress, after?: number): Stream.Stream<RegistryMessage, Exit> => {
  let position = after;
  const connect = Stream.unwrap(
    Effect.map(
      open(address, () => position),
      (body) =>
        Stream.fromReadableStream({
          evaluate: () => body,
          onError: () => internalError(`the stream from ${address.url} broke`),
        }),
    ),
  );
  return connect.pipe(
    Stream.map(({ id, event, data }): RegistryMessage | undefined => {
      if (id !== undefined) position = Number(id);
      if (event === "state") return { _tag: "State", state: JSON.parse(data) };
      if (event === "release-event") return { _tag: "Event", recorded: JSON.parse(data) };
      if (event === "progress") return { _tag: "Progress", progress: JSON.parse(data) };
      return undefined;
    }),
    Stream.filter((message) => message !== undefined),
    // A stream that ends is a registry that stops: the same as one that breaks.
    Stream.concat(Stream.fail(internalError(`the stream from ${address.url} ended`))),
    // What the registry refuses (a missing token) it refuses again.
    Stream.retry(Schedule.max([Schedule.spaced("500 millis"), Schedule.recurs(20)])),
  );
};

const open = (address: RegistryAddress, position: () => number | undefined) =>
  Effect.gen(function* () {
    const lastSeen = position();
    const response = yield* Effect.tryPromise({
      try: (signal) =>
        fetch(`${address.url}/v1/events/stream`, {
          headers: {
            ...(address.token && { authorization: `Bearer ${address.token}` }),
            ...(lastSeen !== undefined && { "last-event-id": String(lastSeen) }),
          },
          signal,
        }),
      catch: () => internalError(`the registry at ${address.url} cannot be reached`),
    });
    if (response.status === 401 || response.status === 403)
      return yield* usageError(`the registry asks for a token: set SLUICE_TOKEN to one that may read`);
    if (!response.ok || !response.body)
      return yield* internalError(`the registry answered ${response.status} to the stream`);
    return response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
  });
