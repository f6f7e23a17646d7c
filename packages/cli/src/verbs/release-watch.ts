import { ReleaseBody, type ReleasePhase } from "@sluice/contracts";
import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Stream from "effect/Stream";
import { eventSentence } from "../event-sentence.ts";
import { registryStream } from "../event-stream.ts";
import { Exit, exitCodes } from "../exit.ts";
import { json, url } from "../flags.ts";
import { print } from "../output.ts";
import { type RegistryAddress, registryAddress } from "../registry-client.ts";
import { readRegistry } from "./release-read.ts";

export const timeout = Flag.Int("timeout").pipe(
  Flag.withDescription("Give up after so many seconds (exit code 6)"),
  Flag.optional,
);

export const watchCommand = Command.make(
  "watch",
  { release: Argument.String("release").pipe(Argument.withDescription("Id of the release")), timeout, url, json },
  (flags) =>
    watchRelease(registryAddress(Option.getOrUndefined(flags.url)), flags.release, {
      json: flags.json,
      until: ended,
    }).pipe(
      within(Option.getOrUndefined(flags.timeout), flags.release),
      Effect.flatMap((phase) => exitOf(flags.release, phase)),
    ),
).pipe(Command.withDescription("Follow a release to its end; the exit code says how it ended"));

const endings: ReadonlyArray<ReleasePhase> = [
  "blocked",
  "regressed",
  "inconclusive",
  "rolled-back",
  "aborted",
  "superseded",
  "completed",
];
export const ended = (phase: ReleasePhase): boolean => endings.includes(phase);

/** Prints every event of the release, those of the past first, until its phase is one that `until` accepts. */
export const watchRelease = (
  address: RegistryAddress,
  releaseId: string,
  options: { readonly json: boolean; readonly until: (phase: ReleasePhase) => boolean },
): Effect.Effect<ReleasePhase, Exit> =>
  Effect.gen(function* () {
    const read = readRegistry(address, `/v1/releases/${encodeURIComponent(releaseId)}`, ReleaseBody);
    // Refuses an unknown id before a stream is opened that would never speak of it.
    yield* read;
    let position = 0;
    const phase = yield* registryStream(address).pipe(
      Stream.filter(
        (message) =>
          message._tag === "State" ||
          ("releaseId" in message.recorded.event && message.recorded.event.releaseId === releaseId),
      ),
      // The stream says that something happened; what and in which order is read from the record itself.
      Stream.mapEffect(() => read),
      Stream.tap(({ events }) =>
        Effect.forEach(
          events.filter((row) => row.position > position),
          (row) => {
            position = row.position;
            const note = row.accepted ? "" : `refused (${row.refusal?.code}): `;
            return print(options.json ? JSON.stringify(row) : `${row.event.at}  ${note}${eventSentence(row.event)}`);
          },
          { discard: true },
        ),
      ),
      Stream.map(({ release }) => release.phase),
      Stream.filter(options.until),
      Stream.runHead,
    );
    return yield* Option.match(phase, {
      onNone: () => Effect.fail(new Exit({ code: exitCodes.internal, sentence: "the registry ended the stream" })),
      onSome: Effect.succeed,
    });
  });

export const within =
  (seconds: number | undefined, releaseId: string) =>
  <A, R>(effect: Effect.Effect<A, Exit, R>): Effect.Effect<A, Exit, R> =>
    seconds === undefined
      ? effect
      : Effect.timeoutOrElse(effect, {
          duration: `${seconds} seconds`,
          orElse: () =>
            Effect.fail(
              new Exit({ code: exitCodes.timedOut, sentence: `${releaseId} did not end within ${seconds} s` }),
            ),
        });

/** The exit code of an ended release (design §5). */
export const exitOf = (releaseId: string, phase: ReleasePhase): Effect.Effect<void, Exit> => {
  if (phase === "completed") return Effect.void;
  const code = phase === "inconclusive" ? exitCodes.inconclusive : exitCodes.blocked;
  return Effect.fail(new Exit({ code, sentence: `${releaseId} ended: ${phase}` }));
};
